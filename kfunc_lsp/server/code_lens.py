"""textDocument/codeLens: over each program, the kernels that it fits."""

from __future__ import annotations

from lsprotocol import types

from kfunc_lsp.rules.fleet import listed
from kfunc_lsp.rules.model import Finding, Severity, Stage
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.session import Analysis, Session
from kfunc_lsp.unit.model import Unit


def code_lenses(session: Session, document: Document, params: types.CodeLensParams) -> list[types.CodeLens] | None:
    """A lens for each function with a ``SEC``; there is no command behind it."""
    analysis = session.analysis(document)
    found = []
    for function in analysis.unit.functions.values():
        if function.section and function.span.file is document.file and analysis.unit.uses:
            place = document.lines.range(function.span.start, function.span.end)
            found.append(types.CodeLens(place, types.Command(_title(analysis, function.name), "")))
    return found or None


def _title(analysis: Analysis, program: str) -> str:
    failing: dict[str, list[str]] = {}
    for finding in analysis.findings:
        if finding.severity is Severity.ERROR and _concerns(analysis.unit, finding, program):
            for standing in finding.standings:
                if standing.fails and standing.severity is Severity.ERROR:
                    for kernel in standing.kernels:
                        failing.setdefault(kernel, []).append(finding.violation.subject)
    fits = [kernel.name for kernel in analysis.selection.kernels if kernel.name not in failing]
    words = [f"fits {listed(fits)}"] if fits else []
    alike: dict[str, list[str]] = {}
    for each in analysis.selection.kernels:
        if each.name in failing:
            alike.setdefault(listed(list(dict.fromkeys(failing[each.name]))), []).append(each.name)
    words += [f"not {listed(kernels)} ({names})" for names, kernels in alike.items()]
    return " · ".join(words)


def _concerns(unit: Unit, finding: Finding, program: str) -> bool:
    """Whether a finding keeps ``program`` from loading: what the loader refuses, it refuses for the whole object."""
    stage = finding.violation.stage
    if stage is None or stage <= Stage.RESOLVE:
        return True
    uses = unit.uses_by_name.get(finding.violation.subject, ())
    holders = {use.function for use in uses if use.span == finding.span} or {use.function for use in uses}
    return any(_leads(unit, program, holder, set()) for holder in holders)


def _leads(unit: Unit, program: str, function: str, seen: set[str]) -> bool:
    """Whether ``program`` calls or passes on ``function``, directly or not."""
    if function == program:
        return True
    if function in seen or function not in unit.functions:
        return False
    seen.add(function)
    return any(_leads(unit, program, mention.function, seen) for mention in unit.functions[function].mentions)
