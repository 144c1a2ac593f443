"""A module's ``.BTF.base`` fitted to the vmlinux that the module is loaded into.

An out-of-tree module brings the few types of its vmlinux that it uses: with names and sizes, without members,
and with FWDs for what it has only pointers to. As libbpf's ``btf__relocate`` does, each is looked up by name and
kind; here a FWD then takes the kind that it stands for, and nothing else need change, as ids are the
distilled base's own.
"""

from __future__ import annotations

import struct

from kfunc_lsp.btf import wire
from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.section import find_records, read_sections
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.errors import BtfError

_SIZED = (Kind.INT, Kind.FLOAT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64)
_KFLAG = 0x80


def relocated(distilled: bytes, vmlinux: Btf) -> Btf:
    """The distilled base as a base for its module, each type being one of ``vmlinux``.

    Raises ``BtfError`` where ``distilled`` is damaged, or has a type that ``vmlinux`` has not, or not of this
    size: then the module was built for another kernel.
    """
    sections = read_sections(distilled)
    offsets, codes = find_records(sections)
    base = Btf.parse(distilled)
    words = sections.words
    for index, (at, code) in enumerate(zip(offsets, codes, strict=True), 1):
        kind, name = code & wire.KIND_MASK, base.name(index)
        if not name or kind not in (*_SIZED, Kind.FWD):
            continue
        is_fwd = kind == Kind.FWD
        wanted = (Kind.UNION if code & _KFLAG else Kind.STRUCT) if is_fwd else Kind(kind)
        found = vmlinux.find(name, wanted)
        if not found and is_fwd and vmlinux.find(name, Kind.FWD):
            continue
        size = words[at + 2]
        if not is_fwd and size:
            found = [type_id for type_id in found if vmlinux.record(type_id).size_or_type in (size, 0)]
        if not found:
            raise BtfError(
                f".BTF.base: {wanted.name.lower()} {name} is not the vmlinux's; the module was built against another"
            )
        if is_fwd:
            words[at + 1] = wire.pack_info(wanted, 0)
    return Btf.parse(_rebuilt(distilled, sections.byte_order, words.tolist()))


def _rebuilt(data: bytes, byte_order: str, words: list[int]) -> bytes:
    """``data`` with other words in its type section."""
    order = "<" if byte_order == "little" else ">"
    fields = struct.unpack_from(order + wire.HEADER_FIELDS, data)
    start = fields[3] + fields[4]
    types = struct.pack(f"{order}{len(words)}I", *words)
    return data[:start] + types + data[start + len(types) :]
