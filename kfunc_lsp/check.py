"""The check of one program against kernels: the only way in for the command line and the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from kfunc_lsp import rules
from kfunc_lsp.ignores import applied
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import FunctionClass, Kernel
from kfunc_lsp.rules.fleet import Fleet, fleet_of, listed
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Finding, Fix, Rule, Severity, Stage, Standing, Violation
from kfunc_lsp.unit.model import Unit


def known_names(kernels: Iterable[Kernel]) -> frozenset[str]:
    """Every function name of the kernels' indexes: what a program's text is searched for."""
    return frozenset(name for kernel in kernels for name in kernel.functions)


def check(unit: Unit, kernels: Sequence[Kernel], loader: Loader = LIBBPF) -> list[Finding]:
    """The findings of all rules for ``unit`` as ``loader`` loads it, joined over ``kernels``, in order of place."""
    fleet = fleet_of(tuple(kernels), loader)
    answers = list(_answers(unit, fleet))
    by_place: dict[tuple[str, str, int, str], list[_Answer]] = {}
    for members, violations in answers:
        for rule, violation in violations:
            place = (rule.name, violation.span.file.path, violation.span.start, violation.subject)
            by_place.setdefault(place, []).append(_Answer(rule, violation, members))
    fixes: dict[tuple[str, str, Severity], Fix | None] = {}

    def fix(rule: Rule, violation: Violation) -> Fix | None:
        key = (rule.name, violation.subject, violation.severity)
        if key not in fixes:
            # what an object's debug information says of places is good to look at, not to write to
            fixes[key] = None if rule.fix is None or unit.is_compiled else rule.fix(unit, violation, fleet)
        return fixes[key]

    findings = [_join(unit, fleet, found, fix) for found in by_place.values() if _is_worth_saying(found, fleet)]
    main = unit.file
    findings = applied(unit, findings, fleet.names(range(len(fleet.kernels))))
    return sorted(findings, key=lambda f: (f.span.file is not main, f.span.file.path, f.span.start, f.rule.name))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A violation that some kernels (by index) share."""

    rule: Rule
    violation: Violation
    members: Sequence[int]


def _is_worth_saying(found: Sequence[_Answer], fleet: Fleet) -> bool:
    least = found[0].violation.shared_by
    return not least or (least <= len(fleet.kernels) == sum(len(answer.members) for answer in found))


def _answers(unit: Unit, fleet: Fleet) -> Iterable[tuple[Sequence[int], list[tuple[Rule, Violation]]]]:
    """The violations on each set of kernels that answer every question of every rule alike."""
    pending: Sequence[int] = range(len(fleet.kernels))
    while pending:
        kernel = fleet.kernels[pending[0]]
        load = Load(unit, kernel, fleet.loader)
        found = [(rule, _cautious(load, violation)) for rule in rules.ALL for violation in rule.check(load)]
        alike, pending = fleet.split(pending, load.asked)
        yield alike, _first_said(found)


def _cautious(load: Load, violation: Violation) -> Violation:
    """An error that rests on another kernel's facts is a warning."""
    if violation.severity is Severity.ERROR and not load.is_own(violation.fact):
        return replace(violation, severity=Severity.WARNING)
    return violation


def _first_said(found: Sequence[tuple[Rule, Violation]]) -> list[tuple[Rule, Violation]]:
    """One finding for one cause: what clang and libbpf refuse gets no further, and of what is said of an extern at one
    place the first message counts, in the order of stages, and of the rules within a stage.
    """
    refused = {v.subject for _, v in found if v.severity is Severity.ERROR and _stage(v) <= Stage.RESOLVE}
    kept: dict[tuple[str, str, int], tuple[Rule, Violation]] = {}
    for rule, violation in found:
        if violation.subject in refused and _stage(violation) > Stage.RESOLVE:
            continue
        place = (violation.subject, violation.span.file.path, violation.span.start)
        if place not in kept or _rank(violation) < _rank(kept[place][1]):
            kept[place] = (rule, violation)
    return list(kept.values())


def _stage(violation: Violation) -> int:
    return len(Stage) if violation.stage is None else violation.stage


def _rank(violation: Violation) -> tuple[bool, int]:
    return violation.severity is Severity.HINT, _stage(violation)


def _join(unit: Unit, fleet: Fleet, found: Sequence[_Answer], fix: Callable[[Rule, Violation], Fix | None]) -> Finding:
    """One finding for what several kernels say of one place; the worst of them speaks for all."""
    worst = max(found, key=lambda answer: answer.violation.severity)
    lead = worst.violation
    standings: list[tuple[int, Standing]] = []
    rest = set(range(len(fleet.kernels)))
    for answer in found:
        rest.difference_update(answer.members)
        v = answer.violation
        for source, members in _by_source(fleet, answer.members, v):
            names, speaker = fleet.names(members), v.stage.speaker(fleet.loader) if v.stage is not None else ""
            standing = Standing(names, True, v.severity, v.stage, speaker, v.foreseen, v.why, source)
            standings.append((members[0], standing))
    pending: Sequence[int] = sorted(rest)
    is_alive = False
    while pending:
        load = Load(unit, fleet.kernels[pending[0]], fleet.loader)
        comment = _standing_of(load, lead.subject)
        function = load.bound(lead.subject)
        is_alive = is_alive or (function is not None and function.callable)
        alike, pending = fleet.split(pending, load.asked)
        for source, members in _by_source(fleet, alike, lead):
            standings.append((members[0], Standing(fleet.names(members), False, None, None, "", "", comment, source)))
    severity = Severity.HINT if lead.is_fallback and is_alive else lead.severity
    named = sorted(m for answer in found if answer.violation.severity == lead.severity for m in answer.members)
    message = f"{lead.headline} on {listed(fleet.names(named))}"
    ordered = tuple(standing for _, standing in sorted(standings, key=lambda pair: pair[0]))
    return Finding(worst.rule, severity, message, lead, ordered, fix(worst.rule, lead))


def _by_source(fleet: Fleet, members: Iterable[int], violation: Violation) -> Iterable[tuple[str, list[int]]]:
    groups: dict[str, list[int]] = {}
    for member in members:
        groups.setdefault(fleet.kernels[member].source_of(violation.fact), []).append(member)
    return groups.items()


def _standing_of(load: Load, name: str) -> str:
    """In words, what the function that extern ``name`` binds to is on a kernel where a finding does not hold."""
    resolution = load.resolution(name)
    function = resolution.function
    if function is None:
        return f"no kfunc `{load.loader.target(name)}` there"
    if resolution.outcome is Outcome.INCOMPATIBLE:
        return f"declared otherwise there ({resolution.reason})"
    if not function.callable:
        return function.klass.words
    if resolution.outcome is Outcome.UNKNOWN:
        return "there; whether the declaration fits is not known"
    return "fine (a kfunc of its own there)" if function.klass is FunctionClass.PLAIN_IMPL else "fine"
