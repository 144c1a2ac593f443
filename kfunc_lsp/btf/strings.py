"""The string section of BTF: offsets to names, and the search for names that need not be decoded one by one.

A name is the bytes from an offset to the next NUL, so that an encoder may let one name be the tail of
another. The offsets of a split BTF go on where its base's end; each table knows only its own part.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Set

from kfunc_lsp.btf import wire
from kfunc_lsp.errors import BtfError


class StringTable:
    """One string section, whose first byte has the offset ``start``."""

    def __init__(self, data: bytes, start: int) -> None:
        """``data`` ends in NUL or is empty (the decoder has checked)."""
        self._data = data
        self.start = start
        self.end = start + len(data)

    def bytes_at(self, offset: int) -> bytes:
        """The text at ``offset``, which lies in this table."""
        begin = offset - self.start
        return self._data[begin : self._data.index(0, begin)]

    def begins_name(self, offset: int) -> bool:
        """Whether a name begins at ``offset``, which lies in this table: NUL or nothing stands before it."""
        return offset == self.start or not self._data[offset - self.start - 1]

    def offsets_of(self, name: bytes) -> Iterator[int]:
        """Every offset at which exactly ``name`` can be read."""
        needle = name + b"\0"
        at = self._data.find(needle)
        while at >= 0:
            yield at + self.start
            at = self._data.find(needle, at + 1)

    def offsets_ending(self, suffix: bytes, offsets: Collection[int]) -> list[int]:
        """Those of ``offsets`` that lie in this table and at which a name that ends in ``suffix`` can be read."""
        needle = suffix + b"\0"
        found: list[int] = []
        tried = 0
        at = self._data.find(needle)
        while at >= 0:
            first = max(self._data.rfind(0, 0, at) + 1, at - wire.MAX_NAME)
            tried += at + 1 - first
            if tried > len(offsets):
                return self._filtered(offsets, lambda name: name.endswith(suffix))
            found += [offset for offset in range(first + self.start, at + self.start + 1) if offset in offsets]
            at = self._data.find(needle, at + len(needle))
        return found

    def offsets_naming(self, names: Set[bytes], offsets: Collection[int]) -> list[int]:
        """Those of ``offsets`` that lie in this table and at which one of ``names`` can be read.

        For many names this is one walk, where ``offsets_of`` would search the whole table for each.
        """
        return self._filtered(offsets, names.__contains__)

    def _filtered(self, offsets: Collection[int], wanted: Callable[[bytes], bool]) -> list[int]:
        data, start, end, end_of = self._data, self.start, self.end, self._end
        return [
            offset
            for offset in offsets
            if start <= offset < end and wanted(data[offset - start : end_of(offset - start)])
        ]

    def _end(self, begin: int) -> int:
        end = self._data.find(0, begin, begin + wire.MAX_NAME)
        if end < 0:
            raise BtfError(f"BTF: a name of more than {wire.MAX_NAME} bytes; the data is damaged")
        return end
