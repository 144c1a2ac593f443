"""What a person at a terminal needs besides the text: its width, and a word on what takes long."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threading import Thread

_NARROWEST = 40
_USUAL = 80
_PATIENCE = 0.5
"""Seconds before a person is told what is going on."""

_INTERVAL = 0.1
_ERASE = "\r\033[K"


def width() -> int | None:
    """Columns of the terminal that standard output is (``COLUMNS`` says otherwise); ``None`` where it is none."""
    return max(columns(), _NARROWEST) if sys.stdout.isatty() else None


def columns() -> int:
    """Columns of the terminal, as ``shutil.get_terminal_size`` has them, whose import takes a small check some time."""
    with suppress(KeyError, ValueError):
        if (told := int(os.environ["COLUMNS"])) > 0:
            return told
    with suppress(OSError):
        return os.get_terminal_size().columns or _USUAL
    return _USUAL


class Progress:
    """One line on standard error that says what is going on once it takes long; nothing where no person looks on.

    A context: what it says is gone after it. ``clear`` makes room for other output.
    """

    def __init__(self, text: str = "") -> None:
        self._text = text
        self._shown = False
        self._thread: Thread | None = None

    def __enter__(self) -> Progress:
        if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
            from threading import Event, Lock, Thread

            self._lock, self._over = Lock(), Event()
            self._thread = Thread(target=self._run, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._thread is not None:
            self._over.set()
            self._thread.join()
            self.clear()

    def say(self, text: str) -> None:
        """What is going on from now."""
        self._text = text

    def modules(self, done: int, total: int) -> None:
        """So many modules are done."""
        self.say(f"reading modules: {done} of {total}" if done < total else "putting it together")

    def clear(self) -> None:
        """Take away what is shown."""
        if self._thread is not None:
            with self._lock:
                if self._shown:
                    self._write("")
                    self._shown = False

    def _run(self) -> None:
        pause = _PATIENCE
        while not self._over.wait(pause):
            pause = _INTERVAL
            with self._lock:
                self._write(self._text[: columns() - 1])
                self._shown = True

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(_ERASE + text)
        sys.stderr.flush()
