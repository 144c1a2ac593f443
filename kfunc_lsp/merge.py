"""The findings of a source file and of the object that was built from it, as one list.

The source knows where things are written and how to mend them; the object knows what the compiler made of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kfunc_lsp.rules.model import Finding, Severity


def merged(source: Sequence[Finding], built: Sequence[Finding], name: str) -> list[Finding]:
    """``source``'s findings, judged as object ``name`` shows them; what only the object shows comes last.

    A finding that the object does not have is one step less severe, and says so: the compiler dropped the code, or the
    object is of another build.
    """
    left = list(built)
    judged: dict[int, Finding] = {}
    for same_line in (True, False):
        for index, finding in enumerate(source):
            if index in judged:
                continue
            twin = next((other for other in left if _is_twin(finding, other, same_line)), None)
            if twin is not None:
                left.remove(twin)
                judged[index] = _judged(finding, twin)
    found = [judged.get(index) or _source_only(finding, name) for index, finding in enumerate(source)]
    # one place in the source is many in an object: inlined, unrolled, moved
    known = {(finding.rule.name, finding.violation.subject) for finding in source}
    return found + [other for other in left if (other.rule.name, other.violation.subject) not in known]


def _is_twin(finding: Finding, other: Finding, same_line: bool) -> bool:
    if (finding.rule.name, finding.violation.subject) != (other.rule.name, other.violation.subject):
        return False
    return not same_line or _line(finding) == _line(other)


def _line(finding: Finding) -> tuple[str, int]:
    span = finding.span
    return span.file.path, span.file.position(span.start)[0]


def _judged(finding: Finding, twin: Finding) -> Finding:
    """What the source says, as certain as the object has it."""
    seen = twin.violation
    violation = replace(
        finding.violation, severity=seen.severity, why=seen.why, stage=seen.stage, foreseen=seen.foreseen
    )
    return replace(finding, severity=twin.severity, message=twin.message, violation=violation, standings=twin.standings)


def _source_only(finding: Finding, name: str) -> Finding:
    """A finding that ``name`` was built without: nobody will say anything, as long as it is built so."""
    severity = Severity(max(finding.severity - 1, Severity.HINT))
    why = f"{finding.violation.why}; only the source has it: {name} was built without it"
    violation = replace(finding.violation, severity=severity, why=why)
    standings = tuple(replace(s, severity=severity, foreseen="") if s.fails else s for s in finding.standings)
    return replace(finding, severity=severity, violation=violation, standings=standings)
