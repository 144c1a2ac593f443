"""The client's end of things: a pipe that it may not read, and its process, which may die."""

from __future__ import annotations

import logging
import os
import queue
import select
import threading
import time
from typing import BinaryIO

log = logging.getLogger("kfunc_lsp")

_MOST_UNREAD = 64 << 20
"""Bytes that may wait for a client that does not read; one that lets more wait is given up."""
_LAST_WORDS = 2.0
"""Seconds that the last messages have to get out."""


class Outgoing:
    """Writes to the client from a thread of its own, so that a client that does not read holds nothing up."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._unread = 0
        self._thread = threading.Thread(target=self._run, daemon=True, name="kfunc-lsp writer")
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Send ``data``, now or later."""
        self._unread += len(data)
        if self._unread > _MOST_UNREAD:
            log.error("the client has not read %d MB; leaving", self._unread >> 20)
            os._exit(1)
        self._waiting.put(data)

    def close(self) -> None:
        """Wait, not for long, until all is written."""
        self._waiting.put(None)
        self._thread.join(_LAST_WORDS)

    def _run(self) -> None:
        is_open = True
        while (data := self._waiting.get()) is not None:
            try:
                # Not through the stream's buffer: its lock, held by a write that never ends, would hold up the exit.
                rest = memoryview(data) if is_open else memoryview(b"")
                while rest:
                    rest = rest[os.write(self._stream.fileno(), rest) :]
            except (OSError, ValueError):
                # The end of its input follows, or its process is watched.
                is_open = False
            self._unread -= len(data)


def leave_with(process: int) -> None:
    """End this process when ``process`` ends. Without effect where it is not seen, as in another container."""
    try:
        handle = os.pidfd_open(process)
    except (OSError, AttributeError, OverflowError):
        return

    def watch() -> None:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
        # What was the end of input for us may still be read: a short while for leaving in good order.
        time.sleep(_LAST_WORDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="kfunc-lsp client").start()
