"""BTF section bytes to types, on demand.

Names and types are made when they are asked for; types are kept. That no record leaves the type section was
checked by ``section``; every id and string offset is checked here. What a type means to a BPF program is
nobody's business.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Set
from itertools import compress

from kfunc_lsp.btf import wire
from kfunc_lsp.btf.section import find_records, read_sections
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
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.errors import BtfError

MAX_NODES = 160
"""Of all function types of 6.12 and 7.3 the largest has 76 parts; a much longer chain exhausts the stack."""

_FEW_NAMES = 16
"""Up to so many names, a search in the strings for each is quicker than one walk over all names."""

_VOID = Void()


class Record(NamedTuple):
    """A record as it is stored: the members of ``struct btf_type``, and the words that follow it."""

    name: str
    kind: int
    kflag: bool
    vlen: int
    size_or_type: int
    extra: array[int]


class _IdsByName(NamedTuple):
    """Ids of one kind by name offset; names are all but unique, so that lists would cost too much."""

    last: dict[int, int]
    earlier: dict[int, list[int]]

    def at(self, offset: int) -> list[int]:
        """The ids of the name at ``offset``, ascending."""
        if offset not in self.last:
            return []
        return [*self.earlier.get(offset, ()), self.last[offset]]


class Btf:
    """One BTF section; with a base, a split one whose ids and string offsets go on where the base's end.

    ``decl_tags``, ``find``, ``find_any`` and ``names_ending`` look at the section's own types only (libbpf
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
        """For ``parse``; ``offsets`` and ``kinds`` go by id, less the base's count."""
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

        ``base`` is what a module's (split) BTF builds on. Raises ``BtfError`` where ``data`` is not BTF, is
        cut, or has records that do not fill the type section, or are of a kind whose size is not known.
        """
        sections = read_sections(data)
        strings = sections.strings
        if (strings and strings[-1]) or (base is None and strings[:1] != b"\0"):
            raise BtfError("BTF: the string section does not begin and end with NUL; the data is damaged")
        offsets, kinds = find_records(sections)
        if base is None:
            offsets.insert(0, 0)
            kinds.insert(0, Kind.VOID)
        table = StringTable(strings, base._strings.end if base else 0)
        return cls(sections.words, offsets, bytes(kinds), table, base, sections.byte_order)

    @property
    def type_count(self) -> int:
        """How many ids there are, id 0 (void) and the base's included."""
        return self._first + len(self._offsets)

    def kind(self, type_id: int) -> int:
        """The ``BTF_KIND_*`` number of a type: a ``Kind``, or a number that only the layout section knows."""
        owner, index = self._locate(type_id)
        return owner._kinds[index] & wire.KIND_MASK

    def name(self, type_id: int) -> str:
        """The type's name, empty where it has none; bytes that are not UTF-8 are replaced.

        ``BtfError`` where it is no name that could be printed.
        """
        owner, index = self._locate(type_id)
        return owner._name(owner._words[owner._offsets[index]]) if owner._kinds[index] else ""

    def record(self, type_id: int) -> Record:
        """The type as it is stored. Id 0 has no record: ``BtfError``."""
        owner, index = self._locate(type_id)
        if not owner._kinds[index]:
            raise BtfError("BTF: type id 0 (void) has no record")
        at = owner._offsets[index]
        end = owner._offsets[index + 1] if index + 1 < len(owner._offsets) else len(owner._words)
        name_off, info, size_or_type = owner._words[at : at + wire.RECORD_WORDS]
        return Record(
            owner._name(name_off),
            info >> wire.KIND_SHIFT & wire.KIND_MASK,
            bool(info >> 31),
            info & wire.VLEN_MASK,
            size_or_type,
            owner._words[at + wire.RECORD_WORDS : end],
        )

    def string(self, offset: int) -> str:
        """The text at an offset of the string section, the base's included; ``BtfError`` where there is none."""
        for table in self._string_tables():
            if table.start <= offset < table.end:
                return table.bytes_at(offset).decode("utf-8", "replace")
        raise BtfError(f"BTF: the name offset {offset} is outside the string section; the data is damaged")

    def fits_base(self) -> bool:
        """Whether the own types' names begin where names of the base, or own ones, begin, as encoders write them.

        With another base than the one that this BTF was made for they begin anywhere. Some may anyway, as a name
        can be the tail of another; a BTF without a base fits.
        """
        tables = list(self._string_tables())
        name_offs = [offset for offset in (self._words[at] for at in self._offsets) if offset]
        fitting = sum(t.start <= offset < t.end and t.begins_name(offset) for offset in name_offs for t in tables)
        return self.base is None or fitting * 10 >= len(name_offs) * 9

    def find(self, name: str, kind: Kind) -> list[int]:
        """The ids of the own types of this name and kind, ascending."""
        text = name.encode("utf-8", "replace")
        offsets = [offset for table in self._string_tables() for offset in table.offsets_of(text)]
        if not offsets:
            return []
        named = self._ids_by_name_offset(kind)
        return sorted(type_id for offset in offsets for type_id in named.at(offset))

    def find_any(self, names: Set[str], kind: Kind) -> Iterator[tuple[int, str]]:
        """Id and name of each own type of this kind that has one of ``names``; in no particular order."""
        if len(names) <= _FEW_NAMES:
            yield from ((type_id, name) for name in names for type_id in self.find(name, kind))
            return
        named = self._ids_by_name_offset(kind)
        wanted = {name.encode("utf-8", "replace") for name in names}
        for table in self._string_tables():
            for offset in table.offsets_naming(wanted, named.last.keys()):
                for type_id in named.at(offset):
                    yield type_id, self._name(offset)

    def names_ending(self, suffix: str, kind: Kind) -> Iterator[tuple[int, str]]:
        """Id and name of each own type of this kind whose name ends in ``suffix``; in no particular order."""
        named = self._ids_by_name_offset(kind)
        for table in self._string_tables():
            for offset in table.offsets_ending(suffix.encode("utf-8", "replace"), named.last.keys()):
                for type_id in named.at(offset):
                    yield type_id, self._name(offset)

    def ids_of(self, kind: Kind) -> Iterator[int]:
        """The ids of the own types of this kind, ascending."""
        chosen = bytes(code & wire.KIND_MASK == kind for code in range(256))
        return compress(range(self._first, self.type_count), self._kinds.translate(chosen))

    def decl_tags(self, name: str) -> list[tuple[int, int]]:
        """Target and component (-1: the whole target) of each own decl tag ``name``, by the tag's id."""
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
        return [self._name(offset) for offset in proto.extra[::2]]

    def type(self, type_id: int) -> Type:
        """The type as a value, the same object each time.

        A kind that this version does not know becomes ``Unknown``. Raises ``BtfError`` for an id that does
        not exist, for one that is no type (a FUNC, a VAR, …), and for references that go in a circle.
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

    def _name(self, offset: int) -> str:
        """``string``, where it is to be a name: fit to be printed, and no longer than names are."""
        name = self.string(offset)
        if len(name) > wire.MAX_NAME or not name.isprintable():
            raise BtfError(f"BTF: what is at offset {offset} of the strings is no name; the data is damaged")
        return name

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

        The bound is for damaged data. It stops circles, which have no end; and since parts may be shared, a
        small section could else stand for more text than memory holds.
        """
        owner, index = self._locate(type_id)
        built = owner._types.get(type_id)
        if built is None:
            if depth > MAX_NODES:
                raise BtfError(f"BTF: type id {type_id} refers to itself; the data is damaged")
            built = owner._types[type_id] = owner._build_record(type_id, index, depth + 1)
            if built[1] > MAX_NODES:
                raise BtfError(f"BTF: type id {type_id} has more than {MAX_NODES} parts; the data is damaged")
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
        name = self._name(name_off)
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
            raise BtfError(f"BTF: type id {type_id} is a {Kind(kind).name} where a type is wanted; the data is damaged")
        return Unknown(name or f"BTF kind {kind}"), 1

    def _build_proto(self, at: int, vlen: int, returns_id: int, depth: int) -> tuple[FuncProto, int]:
        returns, nodes = self._build(returns_id, depth)
        pairs = self._words[at + 3 : at + 3 + 2 * vlen]
        variadic = vlen > 0 and pairs[-1] == 0
        params = []
        for i in range(0, 2 * (vlen - variadic), 2):
            param, size = self._build(pairs[i + 1], depth)
            params.append(Param(self._name(pairs[i]), param))
            nodes += size
        return FuncProto(returns, tuple(params), variadic), nodes + 1


_MODIFIERS: dict[int, type[Const | Volatile | Restrict]] = {
    Kind.CONST: Const,
    Kind.VOLATILE: Volatile,
    Kind.RESTRICT: Restrict,
}
_NOT_TYPES = (Kind.FUNC, Kind.VAR, Kind.DATASEC, Kind.DECL_TAG)
