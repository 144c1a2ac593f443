"""A text that stands for an object itself: its externs as BTF has them, and uses that no source line is known of."""

from __future__ import annotations

from collections.abc import Hashable

from kfunc_lsp.unit.model import SourceFile, Span


class Listing:
    """The text, line by line; spans are there once it is complete (``file`` was asked for)."""

    def __init__(self, path: str) -> None:
        """``path`` is the object's."""
        self._path = path
        self._lines: list[bytes] = []
        self._length = 0
        self._at: dict[Hashable, tuple[int, int]] = {}
        self._file: SourceFile | None = None

    def add(self, key: Hashable, before: str, name: str, after: str = "") -> None:
        """A line with a ``name`` that ``span(key)`` finds."""
        parts = [part.encode("utf-8", "replace") for part in (before, name, after)]
        start = self._length + len(parts[0])
        self._at[key] = start, start + len(parts[1])
        self._lines.append(b"".join(parts))
        self._length += len(self._lines[-1]) + 1

    @property
    def file(self) -> SourceFile:
        """The text as a file at the object's path."""
        if self._file is None:
            self._file = SourceFile(self._path, b"\n".join(self._lines).decode("latin-1"))
        return self._file

    def span(self, key: Hashable) -> Span:
        """The name in the line that was added with ``key``; the beginning where there is none."""
        return Span(self.file, *self._at.get(key, (0, 0)))
