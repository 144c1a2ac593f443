"""The relative relocations of arm64, applied: what a kernel does at boot that was not linked to its address.

Older builds keep every pointer in a table of ``R_AARCH64_RELATIVE`` records, and leave the place of the pointer zero;
newer ones (``CONFIG_RELR``) have the pointers in their places.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Sequence

from kfunc_lsp.dataclass import replace
from kfunc_lsp.image.code import Section

_RECORD = struct.Struct("<QQQ")
_R_RELATIVE = 1027
_KIND = struct.pack("<Q", _R_RELATIVE)
_MIN_RECORDS, _MAX_RECORDS = 1 << 8, 1 << 19
"""A kernel has some hundred thousand; by chance a few stand in a row."""


def find_table(data: bytes) -> bytes:
    """The first table of records in flat memory; empty where there is none, or what looks like it has no end."""
    begin = end = data.find(_KIND)
    for _ in range(_MAX_RECORDS):
        if end < 0:
            break
        end += _RECORD.size
        if data[end : end + len(_KIND)] != _KIND:
            if end - begin >= _MIN_RECORDS * _RECORD.size and begin >= 8:
                return data[begin - 8 : end - 8]
            begin = end = data.find(_KIND, end - _RECORD.size + 1)
    return b""


def relocated(sections: Sequence[Section], table: bytes) -> tuple[Section, ...]:
    """``sections`` with the pointers of ``table`` in their places; records of another kind, or for elsewhere, are
    passed over. A table that is larger than any kernel's changes nothing.
    """
    if not table or len(table) > _MAX_RECORDS * _RECORD.size:
        return tuple(sections)
    contents = [bytearray(section.data) for section in sections]
    order = sorted(range(len(sections)), key=lambda index: sections[index].address)
    starts = [sections[index].address for index in order]
    for place, kind, pointer in _RECORD.iter_unpack(table[: len(table) - len(table) % _RECORD.size]):
        found = bisect_right(starts, place) - 1
        if kind == _R_RELATIVE and found >= 0:
            content, at = contents[order[found]], place - starts[found]
            if at + 8 <= len(content):
                struct.pack_into("<Q", content, at, pointer)
    return tuple(replace(s, data=bytes(content)) for s, content in zip(sections, contents, strict=True))
