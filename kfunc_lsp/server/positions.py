"""Byte offsets to positions and back, in the encoding that the client negotiated: the server's one edge for both.

Mirrors "Position" and "PositionEncodingKind" of the protocol. Text is one character a byte (see ``unit.model``), so
units are counted from the bytes of UTF-8: continuation bytes count nothing, a lead byte of four counts twice in UTF-16.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING

from kfunc_lsp.dataclass import dataclass

if TYPE_CHECKING:
    from lsprotocol import types

UTF8, UTF16, UTF32 = "utf-8", "utf-16", "utf-32"
_LINE_END = re.compile(r"\r\n|\n|\r")
_CONTINUATION = re.compile("[\x80-\xbf]")
_LEAD_OF_FOUR = re.compile("[\xf0-\xff]")


def encode(text: str) -> str:
    """A client's text as bytes, one character each. A lone surrogate, which JSON can carry, keeps its three bytes."""
    return text if text.isascii() else text.encode("utf-8", "surrogatepass").decode("latin-1")


def units(part: str, encoding: str) -> int:
    """How many units of ``encoding`` the bytes ``part`` are."""
    if encoding == UTF8 or part.isascii():
        return len(part)
    characters = len(part) - len(_CONTINUATION.findall(part))
    return characters + len(_LEAD_OF_FOUR.findall(part)) if encoding == UTF16 else characters


def _bytes(line: str, count: int, encoding: str) -> int:
    """How many bytes of ``line`` are ``count`` units; inside a character: as far as that character's start."""
    if line.isascii():
        return min(max(count, 0), len(line))
    seen = at = 0
    while at < len(line):
        end = at + 1
        while end < len(line) and "\x80" <= line[end] < "\xc0":
            end += 1
        seen += units(line[at:end], encoding)
        if seen > count:
            return at
        at = end
    return len(line)


@dataclass(frozen=True)
class Lines:
    """The lines of a text as the protocol counts them: ended by ``\\n``, ``\\r\\n`` or ``\\r`` and nothing else."""

    text: str
    encoding: str

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _LINE_END.finditer(self.text))]

    def edited(self, start: int, end: int, text: str) -> Lines:
        """The lines where ``text`` stands for bytes ``start`` to ``end``."""
        lines = Lines(f"{self.text[:start]}{text}{self.text[end:]}", self.encoding)
        # Those of the rest are moved, not looked for: this is done for each keystroke. Where a line may end in two
        # characters, an edit may part or join them.
        if "\r" not in lines.text:
            known, shift = self._starts, start + len(text) - end
            new = (start + match.end() for match in _LINE_END.finditer(text))
            after = (at + shift for at in known[bisect_right(known, end) :])
            lines.__dict__["_starts"] = [*known[: bisect_right(known, start)], *new, *after]
        return lines

    def bounds(self, line: int) -> tuple[int, int]:
        """Where ``line`` begins and ends, without its line end; clamped to the first and the last line."""
        line = min(max(line, 0), len(self._starts) - 1)
        start = self._starts[line]
        if line + 1 == len(self._starts):
            return start, len(self.text)
        end = self._starts[line + 1] - 1
        if end > start and self.text[end] == "\n" and self.text[end - 1] == "\r":
            end -= 1
        return start, end

    def offset(self, position: types.Position) -> int:
        """The byte offset of a client's position. Beyond a line: its end. Beyond the text: the text's end."""
        if position.line >= len(self._starts):
            return len(self.text)
        start, end = self.bounds(position.line)
        return start + _bytes(self.text[start:end], position.character, self.encoding)

    def place(self, offset: int) -> dict[str, int]:
        """The client's position of a byte offset, in JSON."""
        line = bisect_right(self._starts, offset) - 1
        return {"line": line, "character": units(self.text[self._starts[line] : offset], self.encoding)}

    def position(self, offset: int) -> types.Position:
        """The client's position of a byte offset."""
        from lsprotocol import types  # which the first diagnostics do not wait for

        return types.Position(**self.place(offset))

    def range(self, start: int, end: int) -> types.Range:
        """The client's range of bytes ``start`` to ``end``."""
        from lsprotocol import types

        return types.Range(start=self.position(start), end=self.position(end))
