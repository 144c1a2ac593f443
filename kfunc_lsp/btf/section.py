"""The sections of BTF data, and where each record begins.

Checks the header, and that the records fill the type section exactly, so that no later access can leave it.
What the records say is ``decoder``'s business.
"""

from __future__ import annotations

import struct
import sys
from array import array
from functools import lru_cache
from itertools import repeat

from kfunc_lsp.btf import wire
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.errors import BtfError

_MAX_TYPE_BYTES = 1 << 26
_MAX_LAYOUT = 1 << 10
_BEYOND = 1 << 40
"""A record size that no section can hold: marks the kinds whose size is not known."""


class Sections(NamedTuple):
    """The parts of BTF data: types as native words, strings and layout as they are stored."""

    byte_order: str
    words: array[int]
    strings: bytes
    layout: bytes


def read_sections(data: bytes) -> Sections:
    """Take ``data`` apart, checking the header in libbpf's order (``btf_parse_hdr``).

    Raises ``BtfError`` where ``data`` is no BTF or a section is not wholly in it.
    """
    if len(data) < wire.HEADER_SIZE:
        raise BtfError(f"BTF: {len(data)} bytes are too few for a header of {wire.HEADER_SIZE}")
    byte_order = "little" if data[0] == wire.MAGIC & 0xFF else "big"
    order = "<" if byte_order == "little" else ">"
    fields = struct.unpack_from(order + wire.HEADER_FIELDS, data)
    magic, version, _, hdr_len, type_off, type_len, str_off, str_len = fields
    if magic != wire.MAGIC:
        raise BtfError("BTF: the data does not begin with the magic 0xeb9f; it is not BTF")
    if version != wire.VERSION:
        raise BtfError(f"BTF: version {version} is not read; only {wire.VERSION} is known")
    if not wire.HEADER_SIZE <= hdr_len <= len(data):
        raise BtfError(f"BTF: a header of {hdr_len} bytes does not fit {len(data)} bytes of data")
    layout_off = layout_len = 0
    if hdr_len >= wire.HEADER_SIZE_WITH_LAYOUT:
        layout_off, layout_len = struct.unpack_from(order + wire.LAYOUT_FIELDS, data, wire.HEADER_SIZE)
    sections = (
        ("type", type_off, type_len),
        ("string", str_off, str_len),
        ("layout", layout_off, layout_len),
    )
    for what, offset, length in sections:
        if hdr_len + offset + length > len(data):
            raise BtfError(f"BTF: the {what} section ends beyond the data ({len(data)} bytes); the file is cut")
    if type_len > _MAX_TYPE_BYTES or str_len > wire.MAX_STRINGS or layout_len > _MAX_LAYOUT:
        raise BtfError(f"BTF: sections of {type_len}, {str_len} and {layout_len} bytes are larger than BTF can have")
    if type_off % 4 or type_len % 4:
        raise BtfError("BTF: the type section is not a whole number of aligned words; the data is damaged")
    types, strings, layout = (data[hdr_len + o : hdr_len + o + n] for _, o, n in sections)
    words = array("I", types)
    if byte_order != sys.byteorder:
        words.byteswap()
    return Sections(byte_order, words, strings, layout)


def find_records(sections: Sections) -> tuple[list[int], bytearray]:
    """Where each record begins, in words, and the byte that holds its kind and kflag.

    Raises ``BtfError`` where a record's size is not known, or the last one does not end with the section.
    This is the one loop over a whole kernel's types (127,000 of them): everything that can be done later is.
    """
    words = sections.words
    fixed, per_element = _record_sizes(sections.layout)
    offsets: list[int] = []
    kinds = bytearray()
    add_offset, add_kind = offsets.append, kinds.append
    at, end = 0, len(words) - wire.RECORD_WORDS + 1
    for _ in repeat(None, wire.MAX_TYPES):
        if at >= end:
            break
        add_offset(at)
        info = words[at + 1]
        kind = info >> 24
        add_kind(kind)
        at += fixed[kind] + per_element[kind] * (info & 0xFFFFFF)
    else:
        raise BtfError(f"BTF: more than {wire.MAX_TYPES} types; the data is damaged")
    if at >= _BEYOND:
        raise BtfError(
            f"BTF: record {len(offsets)} has kind {kinds[-1] & wire.KIND_MASK}, not known and not described; "
            "the data is damaged, or newer than this version"
        )
    if at != len(words):
        raise BtfError(f"BTF: record {len(offsets)} does not end with the type section; the data is damaged")
    return offsets, kinds


@lru_cache(maxsize=8)
def _record_sizes(layout: bytes) -> tuple[list[int], list[int]]:
    """Words of a record and of each element, by the byte that holds kind and kflag.

    A kind that neither we nor the layout section know gets a size that no section can hold.
    """
    fixed, per_element = [_BEYOND] * 256, [0] * 256
    newest = max(Kind)
    for kind in range(1, wire.KIND_MASK + 1):
        entry = layout[kind * wire.LAYOUT_ENTRY_SIZE : (kind + 1) * wire.LAYOUT_ENTRY_SIZE]
        if kind <= newest:
            sizes = wire.FIXED_WORDS.get(Kind(kind), 0), wire.ELEMENT_WORDS.get(Kind(kind), 0)
        elif len(entry) == wire.LAYOUT_ENTRY_SIZE and entry[0] % 4 == 0 and entry[1] % 4 == 0:
            sizes = entry[0] // 4, entry[1] // 4
        else:
            continue
        for code in (kind, kind | wire.KIND_FLAG):
            fixed[code], per_element[code] = wire.RECORD_WORDS + sizes[0], sizes[1]
    return fixed, per_element
