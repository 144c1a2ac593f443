"""A module's ``.BTF.base`` fitted to the vmlinux that the module is loaded into.

An out-of-tree module brings the few types of its vmlinux that it uses: with names and sizes, without members,
and with FWDs for what it has only pointers to. As libbpf's ``btf__relocate`` does, each is looked up by name and
kind; here a FWD then takes the kind that it stands for, and nothing else need change, as ids are the
distilled base's own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from kfunc_lsp.btf import wire
from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.section import find_records, read_sections
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.errors import BtfError

_SIZED = (Kind.INT, Kind.FLOAT, Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64)


def relocated(distilled: bytes, vmlinux: Btf) -> Btf:
    """The distilled base as a base for its module, each type being one of ``vmlinux``.

    Raises ``BtfError`` where ``distilled`` is damaged, or has a type that ``vmlinux`` has not, or not of this
    size: then the module was built for another kernel.
    """
    sections = read_sections(distilled)
    offsets, codes = find_records(sections)
    base = Btf.parse(distilled)
    words = sections.words
    named = [
        _Named(base.name(index), Kind(code & wire.KIND_MASK), bool(code & wire.KIND_FLAG), at)
        for index, (at, code) in enumerate(zip(offsets, codes, strict=True), 1)
        if code & wire.KIND_MASK in (*_SIZED, Kind.FWD) and base.name(index)
    ]
    ids = _ids_by_name(vmlinux, named)
    for one in named:
        found = ids.get((one.stands_for, one.name), [])
        if one.kind == Kind.FWD:
            if found:
                words[one.at + 1] = wire.pack_info(one.stands_for, 0)
            elif (Kind.FWD, one.name) in ids:
                continue
        elif size := words[one.at + 2]:
            found = [type_id for type_id in found if vmlinux.record(type_id).size_or_type in (size, 0)]
        if not found:
            raise BtfError(
                f".BTF.base: {one.stands_for.name.lower()} {one.name} is not the vmlinux's; "
                "the module was built against another"
            )
    return Btf.parse(_rebuilt(distilled, sections.byte_order, words.tolist()))


class _Named(NamedTuple):
    """A type of the base that is looked up: ``at`` is where its record is."""

    name: str
    kind: Kind
    kflag: bool
    at: int

    @property
    def stands_for(self) -> Kind:
        """The kind that it must have in the vmlinux."""
        return self.kind if self.kind != Kind.FWD else Kind.UNION if self.kflag else Kind.STRUCT


def _ids_by_name(vmlinux: Btf, named: Iterable[_Named]) -> dict[tuple[Kind, str], list[int]]:
    """The ids of the types that are looked up, by kind and name; of FWDs also those that are only declared."""
    wanted: dict[Kind, set[str]] = {}
    for one in named:
        wanted.setdefault(one.stands_for, set()).add(one.name)
        wanted.setdefault(one.kind, set()).add(one.name)
    found: dict[tuple[Kind, str], list[int]] = {}
    for kind, names in wanted.items():
        for type_id, name in vmlinux.find_any(names, kind):
            found.setdefault((kind, name), []).append(type_id)
    return found


def _rebuilt(data: bytes, byte_order: str, words: list[int]) -> bytes:
    """``data`` with other words in its type section."""
    order = "<" if byte_order == "little" else ">"
    fields = struct.unpack_from(order + wire.HEADER_FIELDS, data)
    start = fields[3] + fields[4]
    types = struct.pack(f"{order}{len(words)}I", *words)
    return data[:start] + types + data[start + len(types) :]
