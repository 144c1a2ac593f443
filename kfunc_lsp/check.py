"""The check of one program against kernels: the only way in for the command line and the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from kfunc_lsp import rules
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.ignores import applied
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import FunctionClass, Kernel
from kfunc_lsp.rules.evidence import Memory
from kfunc_lsp.rules.fleet import Fleet, Members, fleet_of, listed, lowest
from kfunc_lsp.rules.load import Load, Loads
from kfunc_lsp.rules.model import Each, Finding, Fix, Rule, Severity, Stage, Standing, Violation
from kfunc_lsp.unit.model import Unit

_TOLD = "another finding"


def known_names(kernels: Iterable[Kernel]) -> frozenset[str]:
    """Every function name of the kernels' indexes: what a program's text is searched for."""
    return frozenset(name for kernel in kernels for name in kernel.functions)


def check(
    unit: Unit, kernels: Sequence[Kernel], loader: Loader = LIBBPF, memory: Memory | None = None
) -> list[Finding]:
    """The findings of all rules for ``unit`` as ``loader`` loads it, joined over ``kernels``, in order of place.

    ``memory`` is for checks of one program again and again: it saves work, and never changes an answer.
    """
    loads = Loads(unit, fleet_of(tuple(kernels), loader))
    fleet = loads.fleet
    if memory is not None:
        memory.begin(unit, fleet)
    by_place: dict[tuple[str, str, int, str], list[_Answer]] = {}
    answers = _answers(loads, memory)
    for answer in _first_said(answers):
        span = answer.violation.span
        place = (answer.rule.name, span.file.path, span.start, answer.violation.subject)
        by_place.setdefault(place, []).append(answer)
    troubled: dict[str, Members] = {}
    for answer in answers:
        if answer.violation.severity > Severity.HINT:
            troubled[answer.violation.subject] = troubled.get(answer.violation.subject, 0) | answer.members
    fixes: dict[tuple[str, str, Severity], Fix | None] = {}

    def fix(rule: Rule, violation: Violation) -> Fix | None:
        key = (rule.name, violation.subject, violation.severity)
        if key not in fixes:
            # what an object's debug information says of places is good to look at, not to write to
            fixes[key] = None if rule.fix is None or unit.is_compiled else rule.fix(unit, violation, fleet)
        return fixes[key]

    findings = [_join(loads, found, troubled, fix) for found in by_place.values() if _is_worth_saying(found, fleet)]
    main = unit.file
    findings = applied(unit, findings, fleet.names(fleet.everyone))
    return sorted(findings, key=lambda f: (f.span.file is not main, f.span.file.path, f.span.start, f.rule.name))


@dataclass(frozen=True, slots=True)
class _Answer:
    """A violation that some kernels share."""

    rule: Rule
    violation: Violation
    members: Members


def _is_worth_saying(found: Sequence[_Answer], fleet: Fleet) -> bool:
    return not found[0].violation.shared_by or sum(answer.members for answer in found) == fleet.everyone


def _answers(loads: Loads, memory: Memory | None) -> list[_Answer]:
    """The violations of each rule on the kernels that have them, in the order of rules, those alike together."""
    found: dict[str, dict[Violation, Members]] = {rule.name: {} for rule in rules.ALL}
    for each, together in _together(rules.ALL):
        for name in each(loads.unit):
            if memory is not None and memory.stands(each, name):
                continue
            is_right = True
            for members, violations in loads.each(loads.fleet.everyone, _judge(together, name)):
                for rule, violation in violations:
                    if violation.shared_by <= len(loads.fleet.kernels):
                        of_rule = found[rule.name]
                        of_rule[violation] = of_rule.get(violation, 0) | members
                        is_right = False
            if is_right and memory is not None:
                memory.keep(each, name)
    if memory is not None:
        memory.end()
    return [_Answer(rule, violation, members) for rule in rules.ALL for violation, members in found[rule.name].items()]


@lru_cache(maxsize=1)
def _together(all_: tuple[Rule, ...]) -> Sequence[tuple[Each, Sequence[Rule]]]:
    """The rules that look at the same names: what one of them has asked of a name, the others need not ask again."""
    return [(each, [rule for rule in all_ if rule.each is each]) for each in dict.fromkeys(rule.each for rule in all_)]


def _judge(together: Sequence[Rule], name: str) -> Callable[[Load], list[tuple[Rule, Violation]]]:
    def judge(load: Load) -> list[tuple[Rule, Violation]]:
        return [(rule, _cautious(load, violation)) for rule in together for violation in rule.check(load, name)]

    return judge


def _cautious(load: Load, violation: Violation) -> Violation:
    """An error that rests on another kernel's facts is a warning."""
    if violation.severity is Severity.ERROR and not load.is_own(violation.fact):
        return replace(violation, severity=Severity.WARNING)
    return violation


def _first_said(answers: Sequence[_Answer]) -> Iterator[_Answer]:
    """One finding for one cause: what clang and libbpf refuse gets no further, and of what is said of an extern at one
    place the first message counts, in the order of stages, and of the rules within a stage.
    """
    refused: dict[str, Members] = {}
    for answer in answers:
        v = answer.violation
        if v.severity is Severity.ERROR and _stage(v) <= Stage.RESOLVE:
            refused[v.subject] = refused.get(v.subject, 0) | answer.members
    said: dict[tuple[str, str, int], Members] = {}
    for answer in sorted(answers, key=lambda answer: _rank(answer.violation)):
        v = answer.violation
        place = (v.subject, v.span.file.path, v.span.start)
        members = answer.members & ~said.get(place, 0)
        if _stage(v) > Stage.RESOLVE:
            members &= ~refused.get(v.subject, 0)
        said[place] = said.get(place, 0) | members
        if members:
            yield replace(answer, members=members)


def _stage(violation: Violation) -> int:
    return len(Stage) if violation.stage is None else violation.stage


def _rank(violation: Violation) -> tuple[bool, int]:
    return violation.severity is Severity.HINT, _stage(violation)


def _join(
    loads: Loads,
    found: Sequence[_Answer],
    troubled: Mapping[str, Members],
    fix: Callable[[Rule, Violation], Fix | None],
) -> Finding:
    """One finding for what several kernels say of one place; the worst of them speaks for all.

    ``troubled`` has for each extern the kernels on which anything is said of it.
    """
    fleet = loads.fleet
    worst = max(sorted(found, key=_first), key=lambda answer: answer.violation.severity)
    lead = worst.violation
    standings: list[tuple[int, Standing]] = []
    rest, named = fleet.everyone, 0
    for answer in found:
        rest &= ~answer.members
        v = answer.violation
        named |= answer.members if v.severity == lead.severity else 0
        speaker = v.stage.speaker(fleet.loader) if v.stage is not None else ""
        for source, members in fleet.by_source(answer.members, v.fact):
            names = fleet.names(members)
            standing = Standing(names, True, v.severity, v.stage, speaker, v.foreseen, v.why, source)
            standings.append((lowest(members), standing))
    is_alive = False
    for alike, (comment, lives) in loads.each(rest, lambda load: _standing_of(load, lead.subject)):
        is_alive = is_alive or lives
        told = alike & troubled.get(lead.subject, 0) if lives else 0
        for some, words in ((alike & ~told, comment), (told, _TOLD)):
            for source, members in fleet.by_source(some, lead.fact):
                standing = Standing(fleet.names(members), False, None, None, "", "", words, source)
                standings.append((lowest(members), standing))
    severity = Severity.HINT if lead.is_fallback and is_alive else lead.severity
    is_anywhere = lead.stage is Stage.COMPILE and named == fleet.everyone
    message = lead.headline if is_anywhere else f"{lead.headline} on {listed(fleet.names(named))}"
    ordered = tuple(standing for _, standing in sorted(standings, key=lambda pair: pair[0]))
    return Finding(worst.rule, severity, message, lead, ordered, fix(worst.rule, lead))


def _first(answer: _Answer) -> int:
    return lowest(answer.members)


def _standing_of(load: Load, name: str) -> tuple[str, bool]:
    """What the function that extern ``name`` binds to is on a kernel where a finding does not hold: in words, and
    whether it can be called.
    """
    return load.shared(("standing", name), lambda load: (_words_of(load, name), _can_be_called(load, name)))


def _can_be_called(load: Load, name: str) -> bool:
    klass = load.class_of(name)
    return klass is not None and klass.callable and load.outcome(name) in (Outcome.RESOLVED, Outcome.UNKNOWN)


def _words_of(load: Load, name: str) -> str:
    outcome, klass = load.outcome(name), load.class_of(name)
    if klass is None:
        return f"no kfunc `{load.loader.target(name)}` there"
    if outcome is Outcome.INCOMPATIBLE:
        return f"the declaration does not fit there ({load.resolution(name).reason})"
    if not klass.callable:
        return klass.words
    if outcome is Outcome.UNKNOWN:
        return "there; whether the declaration fits is not known"
    return "fine (a kfunc of its own there)" if klass is FunctionClass.PLAIN_IMPL else "fine"
