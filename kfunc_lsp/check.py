"""The check of one program against kernels: the only way in for the command line and the server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from kfunc_lsp import rules
from kfunc_lsp.kernel.libbpf import essential_name
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.rules.ksyms import standing_of
from kfunc_lsp.rules.model import Finding, Fix, Rule, Severity, Standing, Violation
from kfunc_lsp.unit.model import Unit


def known_names(kernels: Iterable[Kernel]) -> frozenset[str]:
    """Every function name of the kernels' indexes: what a program's text is searched for."""
    return frozenset(name for kernel in kernels for name in kernel.functions)


def check(unit: Unit, kernels: Sequence[Kernel]) -> list[Finding]:
    """The findings of all rules for ``unit``, joined over ``kernels``, in order of place."""
    findings = [finding for rule in rules.ALL for finding in _of_rule(rule, unit, kernels)]
    main = unit.file
    return sorted(findings, key=lambda f: (f.span.file is not main, f.span.file.path, f.span.start, f.rule.name))


def _of_rule(rule: Rule, unit: Unit, kernels: Sequence[Kernel]) -> Iterable[Finding]:
    fixes: dict[tuple[str, Severity], Fix | None] = {}

    def fix(violation: Violation) -> Fix | None:
        key = (violation.subject, violation.severity)
        if key not in fixes:
            fixes[key] = rule.fix(unit, violation, kernels)
        return fixes[key]

    by_place: dict[tuple[str, int, str], list[tuple[Kernel, Violation]]] = {}
    for kernel in kernels:
        for violation in rule.check(unit, kernel):
            place = (violation.span.file.path, violation.span.start, violation.subject)
            by_place.setdefault(place, []).append((kernel, violation))
    for found in by_place.values():
        yield _join(rule, unit, kernels, found, fix)


def _join(
    rule: Rule,
    unit: Unit,
    kernels: Sequence[Kernel],
    found: Sequence[tuple[Kernel, Violation]],
    fix: Callable[[Violation], Fix | None],
) -> Finding:
    """One finding for what several kernels say of one place; the worst of them speaks for all."""
    _, lead = max(found, key=lambda pair: pair[1].severity)
    on = {kernel.name: violation for kernel, violation in found}
    standings = []
    for kernel in kernels:
        violation = on.get(kernel.name)
        if violation is None:
            comment = standing_of(unit, lead.subject, kernel)
            standings.append(Standing(kernel.name, False, None, None, "", comment))
        else:
            standings.append(
                Standing(kernel.name, True, violation.severity, violation.stage, violation.foreseen, violation.why)
            )
    severity = lead.severity
    others = (kernel.get(essential_name(lead.subject)) for kernel in kernels if kernel.name not in on)
    if lead.is_fallback and any(function is not None and function.callable for function in others):
        severity = Severity.HINT
    names = ", ".join(s.kernel for s in standings if s.fails and s.severity == lead.severity)
    message = f"{lead.headline} on {names}"
    return Finding(rule, severity, message, lead, tuple(standings), fix(lead))
