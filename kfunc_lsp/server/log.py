"""The server's log: standard error, which editors show in a panel of their own, or a file.

Written by a thread of its own: a client that does not read its end of standard error holds nothing up, and loses what
is more than a little.
"""

from __future__ import annotations

import atexit
import logging
import queue
import sys
import time
from contextlib import suppress
from logging.handlers import QueueHandler, QueueListener

_MOST_UNREAD = 2_000
_LAST_WORDS = 1.0
"""Seconds that the last lines have to get out."""


class _Passing(QueueHandler):
    def enqueue(self, record: logging.LogRecord) -> None:
        with suppress(queue.Full):
            self.queue.put_nowait(record)


def configure_log(file: str, level: str) -> None:
    """Log what is at least as severe as ``level``; with ``debug`` whole messages, and so the text of programs.

    Raises ``OSError`` where ``file`` cannot be written.
    """
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    waiting: queue.Queue[logging.LogRecord] = queue.Queue(_MOST_UNREAD)
    QueueListener(waiting, handler).start()
    atexit.register(_finish, waiting)
    logging.basicConfig(handlers=[_Passing(waiting)], level=level.upper())
    # pygls warns of every late cancellation, prints traces of errors that are logged here already, and whole messages.
    logging.getLogger("pygls").setLevel(logging.DEBUG if level == "debug" else logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)


def _finish(waiting: queue.Queue[logging.LogRecord]) -> None:
    end = time.monotonic() + _LAST_WORDS
    while waiting.unfinished_tasks and time.monotonic() < end:
        time.sleep(0.01)
