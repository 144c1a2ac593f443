"""The on-disk form of BTF: magic, header, records and their sizes.

Facts of ``include/uapi/linux/btf.h`` (Linux 7.3, where kind has 7 bits and vlen 24; older encoders leave the
further bits zero). Sizes are in 32-bit words, since every record is a whole number of them. Meaning is
``decoder``'s business.
"""

from __future__ import annotations

import struct

from kfunc_lsp.btf.types import Kind

MAGIC = 0xEB9F
VERSION = 1

HEADER_FIELDS = "HBBIIIII"
"""magic, version, flags, hdr_len, type_off, type_len, str_off, str_len; offsets from the header's end."""

HEADER_SIZE = struct.calcsize("<" + HEADER_FIELDS)
LAYOUT_FIELDS = "II"
"""layout_off, layout_len: in the header where hdr_len has room for them."""

HEADER_SIZE_WITH_LAYOUT = HEADER_SIZE + 8
LAYOUT_ENTRY_SIZE = 4

KIND_SHIFT = 24
KIND_MASK = 0x7F
KIND_FLAG = 0x80
"""In the byte that holds the kind: the kflag."""

VLEN_MASK = 0xFFFFFF
MAX_TYPES = 0xFFFFF
MAX_STRINGS = 0xFFFFFF + 1
"""``BTF_MAX_TYPE`` and ``BTF_MAX_NAME_OFFSET``; a vmlinux of 7.3 has an eighth of either."""

MAX_NAME = 1024
"""Twice what the kernel allows in its own names (``KSYM_NAME_LEN``)."""

RECORD_WORDS = 3
"""name_off, info, and size or type."""

FIXED_WORDS: dict[Kind, int] = {
    Kind.INT: 1,
    Kind.ARRAY: 3,
    Kind.VAR: 1,
    Kind.DECL_TAG: 1,
}
"""Words that follow a record of the kind whatever its vlen; none where absent."""

ELEMENT_WORDS: dict[Kind, int] = {
    Kind.STRUCT: 3,
    Kind.UNION: 3,
    Kind.ENUM: 2,
    Kind.FUNC_PROTO: 2,
    Kind.DATASEC: 3,
    Kind.ENUM64: 3,
}
"""Words that follow for each of the vlen elements; none where absent."""


def pack_info(kind: int, vlen: int, kflag: bool = False) -> int:
    """The info word of a record."""
    return (kflag << 31) | (kind << KIND_SHIFT) | vlen
