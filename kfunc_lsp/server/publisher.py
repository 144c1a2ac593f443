"""When a document is checked: as soon as it has come to rest."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from kfunc_lsp.server.diagnostics import Diagnostic
from kfunc_lsp.server.documents import Document


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
