"""textDocument/publishDiagnostics and textDocument/diagnostic: the findings of open documents, as they are typed.

A client that can pull and can be told to pull again is answered, any other is pushed to, none both: one that pulls
without announcing a refresh would show nothing until the next edit, and with both everything would be shown twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kfunc_lsp.rules.fleet import listed
from kfunc_lsp.rules.model import Finding, Severity
from kfunc_lsp.server.documents import Document, lines_of, uri_of
from kfunc_lsp.server.positions import Lines
from kfunc_lsp.server.session import Analysis, Session
from kfunc_lsp.unit.model import Span

SOURCE = "kfunc-lsp"
PUBLISH = "textDocument/publishDiagnostics"
_SEVERITIES = {Severity.ERROR: 1, Severity.WARNING: 2, Severity.HINT: 4}

Diagnostic = dict[str, Any]
"""A diagnostic in JSON: the first ones do not wait for the protocol's types, and all are sent faster."""


def of_analysis(session: Session, analysis: Analysis) -> list[Diagnostic]:
    """The diagnostics of a document; findings in the headers that it includes are not its own."""
    return [of_finding(session, analysis.document, finding) for finding in analysis.findings]


def report(session: Session, document: Document) -> dict[str, Any]:
    """The diagnostics of a document for a client that asks."""
    return {"kind": "full", "items": of_analysis(session, session.analysis(document))}


def publication(uri: str, version: int | None, found: Sequence[Diagnostic]) -> dict[str, Any]:
    """The parameters of ``PUBLISH``."""
    return {"uri": uri, "diagnostics": found, **({} if version is None else {"version": version})}


def of_finding(session: Session, document: Document, finding: Finding) -> Diagnostic:
    """A finding as a diagnostic."""
    found: Diagnostic = {
        "range": _range(document.lines, finding.span),
        "message": message(finding),
        "severity": _SEVERITIES[finding.severity],
        "code": finding.rule.name,
        "source": SOURCE,
    }
    if session.client.related_information and finding.violation.related:
        found["relatedInformation"] = [
            {"location": _location(document, label.span), "message": label.text} for label in finding.violation.related
        ]
    return found


def _range(lines: Lines, span: Span) -> dict[str, Any]:
    return {"start": lines.place(span.start), "end": lines.place(span.end)}


def message(finding: Finding) -> str:
    """What is wrong, why, and what the loader will say."""
    lines = [finding.message, finding.violation.why]
    lines += [f"{p.speaker} will say ({listed(p.kernels)}): {p.message}" for p in finding.predictions]
    lines += [f"{listed(kernels)}: {comment}" for comment, kernels in finding.elsewhere]
    if finding.violation.advice:
        lines.append(finding.violation.advice)
    return "\n".join(lines)


def _location(document: Document, span: Span) -> dict[str, Any]:
    if span.file.path == document.path:
        return {"uri": document.uri, "range": _range(document.lines, span)}
    return {"uri": uri_of(span.file.path), "range": _range(lines_of(span.file, document.encoding), span)}
