"""textDocument/publishDiagnostics and textDocument/diagnostic: the findings of open documents, as they are typed.

A client that can pull and can be told to pull again is answered, any other is pushed to, none both: one that pulls
without announcing a refresh would show nothing until the next edit, and with both everything would be shown twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
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


class Publisher:
    """Checks documents when they have come to rest, and publishes what is found.

    Lives on the event loop; ``submit`` gives the check of a document to the worker thread. While a document's check
    runs, further edits only mark it: edits cost one check each at most, and the newest text wins.
    """

    def __init__(
        self,
        submit: Callable[[Document], asyncio.Future[list[Diagnostic] | None]],
        current: Callable[[str], Document | None],
        publish: Callable[[str, int | None, Sequence[Diagnostic]], None],
    ) -> None:
        self._submit = submit
        self._current = current
        self._publish = publish
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._running: set[str] = set()
        self._stale: set[str] = set()

    def schedule(self, uri: str, delay: float) -> None:
        """Check ``uri`` in ``delay`` seconds, counted anew from each call."""
        timer = self._timers.pop(uri, None)
        if timer is not None:
            timer.cancel()
        self._timers[uri] = asyncio.get_running_loop().call_later(delay, self._start, uri)

    def clear(self, uri: str) -> None:
        """Take back what was published for a document that was closed."""
        timer = self._timers.pop(uri, None)
        if timer is not None:
            timer.cancel()
        self._publish(uri, None, [])

    def _start(self, uri: str) -> None:
        self._timers.pop(uri, None)
        document = self._current(uri)
        if document is None:
            return
        if uri in self._running:
            self._stale.add(uri)
            return
        self._running.add(uri)
        self._submit(document).add_done_callback(lambda future: self._done(document, future))

    def _done(self, document: Document, future: asyncio.Future[list[Diagnostic] | None]) -> None:
        uri = document.uri
        self._running.discard(uri)
        found = None if future.cancelled() else future.result()
        if found is not None and self._current(uri) is document:
            self._publish(uri, document.version, found)
        if uri in self._stale:
            self._stale.discard(uri)
            self._start(uri)
