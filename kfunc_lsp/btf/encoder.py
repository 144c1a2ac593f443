"""Types to BTF section bytes: the other direction of ``decoder``, for the parts of it that we write.

Writes little-endian BTF with a header of 24 bytes, the form that every reader since Linux 4.18 takes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence

from kfunc_lsp.btf import wire


class Encoder:
    """Collects records; their ids count from 1 in the order in which they are added."""

    def __init__(self) -> None:
        self._words: list[int] = []
        self._strings = bytearray(1)
        self._string_offsets = {"": 0}
        self._count = 1

    def string(self, text: str) -> int:
        """The offset of ``text`` in the string section; equal texts share one."""
        offset = self._string_offsets.get(text)
        if offset is None:
            offset = self._string_offsets[text] = len(self._strings)
            self._strings += text.encode() + b"\0"
        return offset

    def add(
        self,
        kind: int,
        name: str = "",
        size_or_type: int = 0,
        *,
        vlen: int = 0,
        kflag: bool = False,
        extra: Sequence[int] = (),
    ) -> int:
        """Append a record, ``extra`` being the words that follow it, and return its id."""
        self._words += [self.string(name), wire.pack_info(kind, vlen, kflag), size_or_type, *extra]
        self._count += 1
        return self._count - 1

    def build(self) -> bytes:
        """The section: header, types, strings."""
        types = struct.pack(f"<{len(self._words)}I", *self._words)
        header = struct.pack(
            "<" + wire.HEADER_FIELDS,
            wire.MAGIC,
            wire.VERSION,
            0,
            wire.HEADER_SIZE,
            0,
            len(types),
            len(types),
            len(self._strings),
        )
        return header + types + bytes(self._strings)
