"""Which functions implement which members of struct_ops maps.

Mirrors libbpf's ``init_struct_ops_maps`` and ``bpf_object__collect_st_ops_relos``: a variable in ``.struct_ops`` or
``.struct_ops.link`` is a structure, and a relocation at one of its members names the function.
"""

from __future__ import annotations

from bisect import bisect_right

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.errors import BtfError
from kfunc_lsp.object.elf import R_BPF_64_ABS64, BpfElf

_SECTIONS = (".struct_ops", ".struct_ops.link", "?.struct_ops", "?.struct_ops.link")
_MODIFIERS = (Kind.TYPEDEF, Kind.CONST, Kind.VOLATILE, Kind.RESTRICT, Kind.TYPE_TAG)
_MEMBER_WORDS = 3
_DEEPEST = 32


def members(elf: BpfElf, btf: Btf) -> dict[str, list[tuple[str, str]]]:
    """For each function the (structure, member) pairs that it implements; damaged types give none."""
    found: dict[str, list[tuple[str, str]]] = {}
    for index, section in enumerate(elf.sections):
        if section.name not in _SECTIONS:
            continue
        variables = sorted(
            (s.value, s.name) for s in elf.symbols if s.section == index and s.type == "OBJECT" and s.name
        )
        starts = [value for value, _ in variables]
        for relocation in elf.relocations(index):
            at = bisect_right(starts, relocation.offset) - 1
            if at < 0 or relocation.type != R_BPF_64_ABS64 or not relocation.symbol.name:
                continue
            offset = relocation.offset - starts[at]
            try:
                pair = _member(btf, variables[at][1], offset)
            except BtfError:
                continue
            if pair is not None:
                found.setdefault(relocation.symbol.name, []).append(pair)
    return found


def _member(btf: Btf, variable: str, offset: int) -> tuple[str, str] | None:
    """The structure of a variable, and its member at ``offset`` bytes."""
    for type_id in btf.find(variable, Kind.VAR):
        record = btf.record(btf.record(type_id).size_or_type)
        for _ in range(_DEEPEST):
            if record.kind not in _MODIFIERS:
                break
            record = btf.record(record.size_or_type)
        if record.kind != Kind.STRUCT:
            continue
        for at in range(0, len(record.extra), _MEMBER_WORDS):
            name, _, bits = record.extra[at : at + _MEMBER_WORDS]
            # with kflag the upper 8 bits are a bitfield's size
            if (bits & 0xFFFFFF if record.kflag else bits) == offset * 8:
                return record.name, btf.string(name)
    return None
