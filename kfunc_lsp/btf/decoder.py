"""BTF section bytes to types, on demand.

One pass finds where each record begins and which kind it is, and checks that the records fill the type section
exactly; after it no access can leave the section. Names and types are made when they are asked for, and kept. What a
type means to a BPF program is nobody's business here.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import compress
from typing import NamedTuple

from kfunc_lsp.btf import wire
from kfunc_lsp.btf.strings import StringTable
from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    Float,
    FuncProto,
    Fwd,
    Int,
    Kind,
    Param,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Unknown,
    Void,
    Volatile,
)
from kfunc_lsp.errors import BtfError

_MAX_DEPTH = 64
_MAX_NODES = 10_000
_BEYOND = 1 << 40

_VOID = Void()


class Record(NamedTuple):
    """One record as it is stored: ``size_or_type`` is the last word of ``struct btf_type``, ``extra`` what follows."""

    name: str
    kind: int
    kflag: bool
    vlen: int
    size_or_type: int
    extra: array[int]


class _IdsByName(NamedTuple):
    """Ids of one kind by name offset. Names are all but unique: lists for the few others keep the rest cheap."""

    last: dict[int, int]
    earlier: dict[int, list[int]]

    def at(self, offset: int) -> list[int]:
        """The ids of the name at ``offset``, ascending."""
        if offset not in self.last:
            return []
        return [*self.earlier.get(offset, ()), self.last[offset]]


@dataclass(frozen=True)
class _Header:
    """A checked header: absolute byte ranges, all inside the data."""

    foreign: bool
    types: slice
    strings: slice
    layout: slice


class Btf:
    """One BTF section; with a base, a split one whose ids and string offsets go on where the base's end.

    ``decl_tags``, ``find`` and ``names_ending`` look at the section's own types only (libbpf
    ``btf__find_by_name_kind_own``); everything that takes an id takes the base's ids too.
    """

    def __init__(
        self,
        words: array[int],
        offsets: list[int],
        kinds: bytes,
        strings: StringTable,
        base: Btf | None,
        byte_order: str,
    ) -> None:
        """For ``parse``, which has checked what it passes; ``offsets`` and ``kinds`` go by id less the first id."""
        self.base = base
        self.byte_order = byte_order
        self._words = words
        self._offsets = offsets
        self._kinds = kinds
        self._strings = strings
        self._first = base.type_count if base else 0
        self._ids_by_name: dict[int, _IdsByName] = {}
        self._types: dict[int, tuple[Type, int]] = {}

    @classmethod
    def parse(cls, data: bytes, base: Btf | None = None) -> Btf:
        """Read ``data``, the bytes of a ``.BTF`` section of either byte order.

        ``base`` is what a module's (split) BTF builds on. Raises ``BtfError`` where ``data`` is not BTF, is cut, or
        has records that do not fill the type section, or are of a kind whose size is not known.
        """
        header = _read_header(data)
        words = array("I", data[header.types])
        if header.foreign:
            words.byteswap()
        strings = data[header.strings]
        if (strings and strings[-1]) or (base is None and strings[:1] != b"\0"):
            raise BtfError("BTF: the string section does not begin and end with NUL; the data is damaged")
        fixed, per_element = _record_sizes(data[header.layout])
        offsets, kinds = _scan(words, fixed, per_element, 0 if base else 1)
        byte_order = "big" if data[0] == 0xEB else "little"
        return cls(
            words,
            offsets,
            bytes(kinds),
            StringTable(strings, base._strings.end if base else 0),
            base,
            byte_order,
        )

    @property
    def type_count(self) -> int:
        """How many ids there are, id 0 (void) and the base's included: the first id of a BTF split from this one."""
        return self._first + len(self._offsets)

    def kind(self, type_id: int) -> int:
        """The ``BTF_KIND_*`` number of a type: a ``Kind``, or a number that only the layout section knows."""
        owner, index = self._locate(type_id)
        return owner._kinds[index] & wire.KIND_MASK

    def name(self, type_id: int) -> str:
        """The type's name, empty where it has none. Bytes that are not UTF-8 are replaced."""
        owner, index = self._locate(type_id)
        return owner.string(owner._words[owner._offsets[index]]) if owner._kinds[index] else ""

    def record(self, type_id: int) -> Record:
        """The type as it is stored. Id 0 has no record: ``BtfError``."""
        owner, index = self._locate(type_id)
        if not owner._kinds[index]:
            raise BtfError("BTF: type id 0 (void) has no record")
        at = owner._offsets[index]
        end = owner._offsets[index + 1] if index + 1 < len(owner._offsets) else len(owner._words)
        name_off, info, size_or_type = owner._words[at : at + wire.RECORD_WORDS]
        return Record(
            owner.string(name_off),
            info >> wire.KIND_SHIFT & wire.KIND_MASK,
            bool(info >> 31),
            info & wire.VLEN_MASK,
            size_or_type,
            owner._words[at + wire.RECORD_WORDS : end],
        )

    def find(self, name: str, kind: Kind) -> list[int]:
        """The ids of the own types of this name and kind, ascending."""
        named = self._ids_by_name_offset(kind)
        found: list[int] = []
        for table in self._string_tables():
            for offset in table.offsets_of(name.encode("utf-8", "replace")):
                found += named.at(offset)
        return sorted(found)

    def names_ending(self, suffix: str, kind: Kind) -> Iterator[tuple[int, str]]:
        """Id and name of each own type of this kind whose name ends in ``suffix``; in no particular order."""
        named = self._ids_by_name_offset(kind)
        for table in self._string_tables():
            for offset in table.offsets_ending(suffix.encode("utf-8", "replace")):
                for type_id in named.at(offset):
                    yield type_id, self.string(offset)

    def ids_of(self, kind: Kind) -> Iterator[int]:
        """The ids of the own types of this kind, ascending."""
        chosen = bytes(code & wire.KIND_MASK == kind for code in range(256))
        return compress(range(self._first, self.type_count), self._kinds.translate(chosen))

    def decl_tags(self, name: str) -> list[tuple[int, int]]:
        """Target and component (-1: the whole target) of each own decl tag ``name``, in the order of the tags."""
        tags = []
        for tag in self.find(name, Kind.DECL_TAG):
            at = self._offsets[tag - self._first]
            component = self._words[at + wire.RECORD_WORDS]
            tags.append((self._words[at + 2], component - (1 << 32) if component >> 31 else component))
        return tags

    def func_proto(self, func_id: int) -> FuncProto:
        """The prototype of a FUNC. ``BtfError`` where the id is no FUNC or what it refers to is damaged."""
        proto = self.type(self._func_proto_id(func_id))
        if not isinstance(proto, FuncProto):
            raise BtfError(f"BTF: FUNC {func_id} does not refer to a FUNC_PROTO; the data is damaged")
        return proto

    def param_names(self, func_id: int) -> list[str]:
        """The parameter names of a FUNC, without decoding its types (``...`` is an empty name here)."""
        proto = self.record(self._func_proto_id(func_id))
        if proto.kind != Kind.FUNC_PROTO:
            raise BtfError(f"BTF: FUNC {func_id} does not refer to a FUNC_PROTO; the data is damaged")
        return [self.string(offset) for offset in proto.extra[::2]]

    def type(self, type_id: int) -> Type:
        """The type as a value; equal types of one BTF are one object.

        A kind that this version does not know becomes ``Unknown``. Raises ``BtfError`` for an id that does not exist,
        for one that is no type (a FUNC, a VAR, …), and for references that go in a circle.
        """
        return self._build(type_id, 0)[0]

    def _locate(self, type_id: int) -> tuple[Btf, int]:
        """The BTF that has the id, and the index in its tables."""
        if not 0 <= type_id < self.type_count:
            raise BtfError(
                f"BTF: there is no type id {type_id} (of {self.type_count}); damaged, or its base is missing"
            )
        owner = self
        while owner.base is not None and type_id < owner._first:
            owner = owner.base
        return owner, type_id - owner._first

    def _string_tables(self) -> Iterator[StringTable]:
        owner: Btf | None = self
        while owner is not None:
            yield owner._strings
            owner = owner.base

    def string(self, offset: int) -> str:
        """The name at an offset of the string section, the base's included."""
        for table in self._string_tables():
            if table.start <= offset < table.end:
                return table.bytes_at(offset).decode("utf-8", "replace")
        raise BtfError(f"BTF: the name offset {offset} is outside the string section; the data is damaged")

    def _ids_by_name_offset(self, kind: Kind) -> _IdsByName:
        """Own ids by where their name is: what turns a search in the strings into ids."""
        named = self._ids_by_name.get(kind)
        if named is None:
            words, offsets, first = self._words, self._offsets, self._first
            ids = list(self.ids_of(kind))
            name_offs = [words[offsets[type_id - first]] for type_id in ids]
            named = self._ids_by_name[kind] = _IdsByName(dict(zip(name_offs, ids, strict=True)), {})
            if len(named.last) < len(ids):
                for name_off, type_id in zip(name_offs, ids, strict=True):
                    if named.last[name_off] != type_id:
                        named.earlier.setdefault(name_off, []).append(type_id)
        return named

    def _func_proto_id(self, func_id: int) -> int:
        record = self.record(func_id)
        if record.kind != Kind.FUNC:
            raise BtfError(f"BTF: type id {func_id} is no FUNC")
        return record.size_or_type

    def _build(self, type_id: int, depth: int) -> tuple[Type, int]:
        """The type and how many nodes it has when written out.

        Both bounds are for damaged data: no depth means a circle, and shared parts can make a small section stand for
        more text than memory holds.
        """
        owner, index = self._locate(type_id)
        built = owner._types.get(type_id)
        if built is None:
            if depth > _MAX_DEPTH:
                raise BtfError(
                    f"BTF: type id {type_id} refers to itself or is nested too deep; the data is damaged"
                )
            built = owner._types[type_id] = owner._build_record(type_id, index, depth + 1)
            if built[1] > _MAX_NODES:
                raise BtfError(
                    f"BTF: type id {type_id} has more than {_MAX_NODES} parts; the data is damaged"
                )
        return built

    def _build_record(self, type_id: int, index: int, depth: int) -> tuple[Type, int]:
        if not self._kinds[index]:
            return _VOID, 1
        at = self._offsets[index]
        name_off, info, last = self._words[at : at + wire.RECORD_WORDS]
        kind = info >> wire.KIND_SHIFT & wire.KIND_MASK
        if kind == Kind.PTR:
            target, nodes = self._build(last, depth)
            return Ptr(target), nodes + 1
        if kind == Kind.FUNC_PROTO:
            return self._build_proto(at, info & wire.VLEN_MASK, last, depth)
        if kind == Kind.ARRAY:
            element, nodes = self._build(self._words[at + 3], depth)
            return Array(element, self._words[at + 5]), nodes + 1
        if kind in _MODIFIERS:
            target, nodes = self._build(last, depth)
            return _MODIFIERS[kind](target), nodes + 1
        name = self.string(name_off)
        if kind == Kind.TYPEDEF:
            target, nodes = self._build(last, depth)
            return Typedef(name, target), nodes + 1
        if kind == Kind.TYPE_TAG:
            target, nodes = self._build(last, depth)
            return TypeTag(name, target, is_attribute=bool(info >> 31)), nodes + 1
        if kind == Kind.INT:
            return Int(name, last, self._words[at + 3] >> 16 & 0xFF), 1
        if kind == Kind.FWD:
            return Fwd(name, is_union=bool(info >> 31)), 1
        if kind in (Kind.ENUM, Kind.ENUM64):
            return Enum(name, wide=kind == Kind.ENUM64), 1
        if kind == Kind.STRUCT:
            return Struct(name), 1
        if kind == Kind.UNION:
            return Union(name), 1
        if kind == Kind.FLOAT:
            return Float(name, last), 1
        if kind in _NOT_TYPES:
            raise BtfError(
                f"BTF: type id {type_id} is a {Kind(kind).name} where a type is wanted; the data is damaged"
            )
        return Unknown(name or f"BTF kind {kind}"), 1

    def _build_proto(self, at: int, vlen: int, returns_id: int, depth: int) -> tuple[FuncProto, int]:
        returns, nodes = self._build(returns_id, depth)
        pairs = self._words[at + 3 : at + 3 + 2 * vlen]
        variadic = vlen > 0 and pairs[-1] == 0
        params = []
        for i in range(0, 2 * (vlen - variadic), 2):
            param, size = self._build(pairs[i + 1], depth)
            params.append(Param(self.string(pairs[i]), param))
            nodes += size
        return FuncProto(returns, tuple(params), variadic), nodes + 1


_MODIFIERS: dict[int, type[Const | Volatile | Restrict]] = {
    Kind.CONST: Const,
    Kind.VOLATILE: Volatile,
    Kind.RESTRICT: Restrict,
}
_NOT_TYPES = (Kind.FUNC, Kind.VAR, Kind.DATASEC, Kind.DECL_TAG)


def _read_header(data: bytes) -> _Header:
    """Check the header in libbpf's order (``btf_parse_hdr``), and that each section lies in ``data``."""
    if len(data) < wire.HEADER_SIZE:
        raise BtfError(f"BTF: {len(data)} bytes are too few for a header of {wire.HEADER_SIZE}")
    order = "<" if data[0] == wire.MAGIC & 0xFF else ">"
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
            raise BtfError(
                f"BTF: the {what} section ends beyond the data ({len(data)} bytes); the file is cut"
            )
    if type_off % 4 or type_len % 4:
        raise BtfError("BTF: the type section is not a whole number of aligned words; the data is damaged")
    types, strings, layout = (slice(hdr_len + o, hdr_len + o + n) for _, o, n in sections)
    return _Header(order != ("<" if _is_little() else ">"), types, strings, layout)


def _is_little() -> bool:
    return array("H", b"\1\0")[0] == 1


def _record_sizes(layout: bytes) -> tuple[list[int], list[int]]:
    """Words of a record and of each element, by the byte that holds kind and kflag.

    A kind that neither we nor the layout section know gets a size that no section can hold.
    """
    fixed, per_element = [_BEYOND] * 256, [0] * 256
    for kind in range(1, wire.KIND_MASK + 1):
        entry = layout[kind * wire.LAYOUT_ENTRY_SIZE : (kind + 1) * wire.LAYOUT_ENTRY_SIZE]
        if kind <= max(Kind):
            sizes = wire.FIXED_WORDS.get(Kind(kind), 0), wire.ELEMENT_WORDS.get(Kind(kind), 0)
        elif len(entry) == wire.LAYOUT_ENTRY_SIZE and entry[0] % 4 == 0 and entry[1] % 4 == 0:
            sizes = entry[0] // 4, entry[1] // 4
        else:
            continue
        for code in (kind, kind | wire.KIND_FLAG):
            fixed[code], per_element[code] = wire.RECORD_WORDS + sizes[0], sizes[1]
    return fixed, per_element


def _scan(
    words: array[int], fixed: list[int], per_element: list[int], voids: int
) -> tuple[list[int], bytearray]:
    """Where each record begins, and its kind byte; ``voids`` entries for ids that have no record come first.

    The one loop over a whole kernel's types (127,000 of them): everything that can be done later is.
    """
    offsets, kinds = [0] * voids, bytearray(voids)
    add_offset, add_kind = offsets.append, kinds.append
    at, end = 0, len(words) - wire.RECORD_WORDS + 1
    while at < end:
        add_offset(at)
        info = words[at + 1]
        kind = info >> 24
        add_kind(kind)
        at += fixed[kind] + per_element[kind] * (info & 0xFFFFFF)
    if at >= _BEYOND:
        raise BtfError(
            f"BTF: record {len(offsets) - voids + 1} is of kind {kinds[-1] & wire.KIND_MASK}, which this version does not "
            "know and the section does not describe; the data is damaged, or newer than this version"
        )
    if at != len(words):
        raise BtfError(
            f"BTF: record {len(offsets) - voids + 1} does not end with the type section; the data is damaged"
        )
    return offsets, kinds
