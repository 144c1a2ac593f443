"""``.BTF.ext``: which source line each instruction comes from, and which instructions CO-RE will rewrite.

Facts of ``struct btf_ext_header``, ``bpf_line_info`` and ``bpf_core_relo`` (``include/uapi/linux/bpf.h``). Offsets of
instructions are bytes into their ELF section.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.wire import MAGIC
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.errors import BtfError
from kfunc_lsp.object.elf import printable

_HEADER = "HBBIIIII"
_CORE_HEADER = "II"
_HEADER_SIZE = 24
_HEADER_SIZE_WITH_CORE = 32
_LINE_RECORD = 16
_MOST_RECORD = 1 << 12


class Line(NamedTuple):
    """From ``offset`` on, instructions come from here; line and column count from 1, 0 where not known.

    ``file`` is the name that the compiler was given, ``text`` the line as it then was.
    """

    offset: int
    file: str
    text: str
    line: int
    column: int


class BtfExt:
    """The lines of each code section, by section name, in order of offset; and the offsets that CO-RE rewrites."""

    def __init__(self, lines: Mapping[str, list[Line]], relocated: Mapping[str, frozenset[int]]) -> None:
        self.lines = lines
        self.relocated = relocated
        self._starts = {name: [line.offset for line in of_section] for name, of_section in lines.items()}

    def line(self, section: str, offset: int) -> Line | None:
        """Where the instruction at ``offset`` comes from; ``None`` where nothing says."""
        starts = self._starts.get(section)
        if not starts:
            return None
        at = bisect_right(starts, offset) - 1
        return self.lines[section][at] if at >= 0 else None


def read_btf_ext(data: bytes, btf: Btf) -> BtfExt:
    """Take a ``.BTF.ext`` section apart; its strings are ``btf``'s. Raises ``BtfError`` where it is damaged."""
    order = "<" if btf.byte_order == "little" else ">"
    if len(data) < _HEADER_SIZE:
        raise BtfError(f"BTF.ext: {len(data)} bytes are too few for a header of {_HEADER_SIZE}")
    magic, _, _, hdr_len, _, _, line_off, line_len = struct.unpack_from(order + _HEADER, data)
    if magic != MAGIC or not _HEADER_SIZE <= hdr_len <= len(data):
        raise BtfError("BTF.ext: the data does not begin with a header of its own; the file is damaged")
    core_off = core_len = 0
    if hdr_len >= _HEADER_SIZE_WITH_CORE:
        core_off, core_len = struct.unpack_from(order + _CORE_HEADER, data, _HEADER_SIZE)
    strings: dict[int, str] = {}

    def string(offset: int) -> str:
        if offset not in strings:
            strings[offset] = btf.string(offset)
        return strings[offset]

    lines: dict[str, list[Line]] = {}
    for section, records in _sections(data, hdr_len + line_off, line_len, order, "line"):
        lines.setdefault(string(section), []).extend(
            Line(offset, printable(string(file)), string(text), place >> 10, place & 0x3FF)
            for offset, file, text, place in struct.iter_unpack(order + "IIII", records)
        )
    for of_section in lines.values():
        of_section.sort(key=lambda line: line.offset)
    relocated: dict[str, frozenset[int]] = {}
    for section, records in _sections(data, hdr_len + core_off, core_len, order, "relocation"):
        offsets = frozenset(row[0] for row in struct.iter_unpack(order + "IIII", records))
        relocated[string(section)] = relocated.get(string(section), frozenset()) | offsets
    return BtfExt(lines, relocated)


def _sections(data: bytes, start: int, length: int, order: str, what: str) -> Iterator[tuple[int, bytes]]:
    """For each code section the offset of its name, and its records, each cut to the 16 bytes that are known."""
    end = start + length
    if end > len(data):
        raise BtfError(f"BTF.ext: the {what} records end beyond the data ({len(data)} bytes); the file is cut")
    if length < 4:
        return
    size = struct.unpack_from(order + "I", data, start)[0]
    if size < _LINE_RECORD or size % 4 or size > _MOST_RECORD:
        raise BtfError(f"BTF.ext: {what} records of {size} bytes; the data is damaged")
    at = start + 4
    while at + 8 <= end:
        name, count = struct.unpack_from(order + "II", data, at)
        at += 8
        if count * size > end - at:
            raise BtfError(f"BTF.ext: the {what} records end beyond their section; the data is damaged")
        records = data[at : at + count * size]
        if size > _LINE_RECORD:
            records = b"".join(records[i : i + _LINE_RECORD] for i in range(0, len(records), size))
        yield name, records
        at += count * size
