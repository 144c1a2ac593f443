"""A BTF cut down to some functions: their prototypes and the types these name, no body of any struct.

What remains reads as the original does: same names, same kinds, same typedef chains, same order of ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kfunc_lsp.btf.decoder import Btf, Record
from kfunc_lsp.btf.encoder import Encoder
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.errors import BtfError

_WITHOUT_BODY = (Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64)
_LEAVES = (*_WITHOUT_BODY, Kind.INT, Kind.FLOAT, Kind.FWD)
_REFERENCES = (
    Kind.PTR,
    Kind.TYPEDEF,
    Kind.VOLATILE,
    Kind.CONST,
    Kind.RESTRICT,
    Kind.TYPE_TAG,
    Kind.FUNC,
)


def minimise(btf: Btf, functions: Iterable[int], tag: str) -> tuple[bytes, dict[int, int]]:
    """A BTF section of the FUNCs with these ids, and the new id of every old one that was kept.

    Of decl tags only ``tag`` is kept. Sizes and bodies of structs, unions and enums are not. Raises
    ``BtfError`` where a type is damaged, or of a kind that this version cannot write.
    """
    records = _reachable(btf, functions)
    new_ids = {0: 0} | {old: new for new, old in enumerate(records, 1)}
    encoder = Encoder()
    for record in records.values():
        _copy(btf, record, new_ids, encoder)
    for target, component in btf.decl_tags(tag):
        if target in records:
            encoder.add(Kind.DECL_TAG, tag, new_ids[target], extra=(component & 0xFFFFFFFF,))
    return encoder.build(), new_ids


def _reachable(btf: Btf, functions: Iterable[int]) -> dict[int, Record]:
    """The records of the functions and of every type that one of them leads to, in the order of their ids."""
    found: dict[int, Record] = {}
    pending = list(functions)
    while pending:
        type_id = pending.pop()
        if type_id and type_id not in found:
            found[type_id] = record = btf.record(type_id)
            pending += _references(type_id, record)
    return dict(sorted(found.items()))


def _references(type_id: int, record: Record) -> list[int]:
    if record.kind in _LEAVES:
        return []
    if record.kind in _REFERENCES:
        return [record.size_or_type]
    if record.kind == Kind.ARRAY:
        return [record.extra[0], record.extra[1]]
    if record.kind == Kind.FUNC_PROTO:
        return [record.size_or_type, *record.extra[1::2]]
    raise BtfError(f"BTF: type id {type_id} is of kind {record.kind}, which cannot be part of a prototype")


def _copy(btf: Btf, record: Record, new_ids: Mapping[int, int], encoder: Encoder) -> None:
    kind, name = record.kind, record.name
    if kind in _WITHOUT_BODY:
        encoder.add(kind, name)
    elif kind == Kind.ARRAY:
        element, index, count = record.extra
        encoder.add(kind, name, extra=(new_ids[element], new_ids[index], count))
    elif kind == Kind.FUNC_PROTO:
        words = []
        for name_off, type_id in zip(record.extra[::2], record.extra[1::2], strict=True):
            words += [encoder.string(btf.string(name_off)), new_ids[type_id]]
        encoder.add(kind, name, new_ids[record.size_or_type], vlen=record.vlen, extra=words)
    elif kind == Kind.FUNC:
        encoder.add(kind, name, new_ids[record.size_or_type], vlen=record.vlen)
    elif kind in _REFERENCES:
        encoder.add(kind, name, new_ids[record.size_or_type], kflag=record.kflag)
    else:
        encoder.add(kind, name, record.size_or_type, kflag=record.kflag, extra=record.extra)
