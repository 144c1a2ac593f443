"""The bytes of a ``.bpf.o`` to a ``Unit``: the only way into this package for others.

An extern is what libbpf takes for one (``bpf_object__collect_externs``): an undefined symbol without a type, and a ksym
where BTF lists it in ``.ksyms``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import BinaryIO

from kfunc_lsp.btf.cdecl import declare
from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import FuncProto, Kind, Type, Unknown, skip_modifiers_and_typedefs
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.errors import BtfError, ObjectError
from kfunc_lsp.object.btf_ext import BtfExt, Line, read_btf_ext
from kfunc_lsp.object.code import TEXT, Body, CodeSection
from kfunc_lsp.object.elf import R_BPF_64_32, R_BPF_64_64, BpfElf, Symbol
from kfunc_lsp.object.instructions import SLOT
from kfunc_lsp.object.listing import Listing
from kfunc_lsp.object.operations import members
from kfunc_lsp.object.places import Place, Places
from kfunc_lsp.unit.guard import Condition
from kfunc_lsp.unit.model import Declaration, Function, Mention, SourceFile, Span, Unit, Use, UseKind, UsePlaces
from kfunc_lsp.unit.value import Value

_KSYMS, _KCONFIG = ".ksyms", ".kconfig"
_DATASEC_WORDS = 3


def read_object(
    path: str, file: BinaryIO, read: Callable[[str], SourceFile | None], known: frozenset[str] = frozenset()
) -> Unit:
    """The unit that was compiled to the ELF ``file``, called ``path`` in messages.

    Source files are asked of ``read``, to show them; they need not be there. ``known`` are kfunc names: a call to one
    of them counts even where the object does not say that it is a ksym. Raises ``ObjectError`` where the file is no BPF
    object, or damaged.
    """
    try:
        return _Reader(path, file, read, known).unit()
    except BtfError as error:
        raise ObjectError(f"{path}: {error}") from None


class _Extern(NamedTuple):
    """An extern of the object: its symbol and its type; whether it is in ``.ksyms``, and whether BTF has it at all."""

    symbol: Symbol
    type: Callable[[], Type]
    is_ksym: bool
    has_btf: bool


class _Site(NamedTuple):
    """An instruction that uses an extern."""

    section: CodeSection
    slot: int
    name: str
    is_call: bool
    body: Body | None
    line: Line | None


class _Reader:
    """One object on its way to a unit."""

    def __init__(
        self, path: str, file: BinaryIO, read: Callable[[str], SourceFile | None], known: frozenset[str]
    ) -> None:
        self.path = path
        self.elf = BpfElf(path, file)
        btf, ext = self.elf.named(".BTF"), self.elf.named(".BTF.ext")
        self.btf = Btf.parse(btf) if btf else None
        self.ext = read_btf_ext(ext, self.btf) if self.btf and ext else BtfExt({}, {})
        self.externs = self._externs(known)
        prototypes = {name: _prototype(extern.type()) for name, extern in self.externs.items()}
        constants = {name for _, name in self._members_of(_KCONFIG)}
        self.sections = [
            CodeSection(
                self.elf,
                index,
                prototypes,
                constants,
                frozenset(offset // SLOT for offset in self.ext.relocated.get(name, ())),
            )
            for index, name in self.elf.code.items()
        ]
        self.operations = members(self.elf, self.btf) if self.btf else {}
        self.places = Places(path, (line for lines in self.ext.lines.values() for line in lines), read)

    def unit(self) -> Unit:
        """The whole unit."""
        sites = list(self._sites())
        listing = self._listing(sites)
        basename = next((symbol.name for symbol in self.elf.symbols if symbol.type == "FILE"), "")
        uses = [self._use(site, listing) for site in sites]
        declarations = {
            name: [self._declaration(name, extern, listing)] for name, extern in self.externs.items() if extern.has_btf
        }
        problems = []
        if self.places.changed:
            problems.append(f"was built from another {', '.join(sorted(self.places.changed))}; compile again")
        license_ = self.elf.named("license")
        return Unit(
            self.places.main(basename) or listing.file,
            declarations,
            uses,
            self._functions(listing),
            (),
            problems,
            license=license_.partition(b"\0")[0].decode("utf-8", "replace") if license_ is not None else None,
            is_compiled=True,
            files=frozenset((self.path, *(file.path for file in self.places.real_files()))),
        )

    def _members_of(self, datasec: str) -> Iterator[tuple[int, str]]:
        """Id and name of what BTF lists in a section of this name."""
        if self.btf is None:
            return
        for section in self.btf.find(datasec, Kind.DATASEC):
            for type_id in self.btf.record(section).extra[::_DATASEC_WORDS]:
                yield type_id, self.btf.name(type_id)

    def _externs(self, known: frozenset[str]) -> dict[str, _Extern]:
        """The externs that are ksyms or, by their names, kfuncs that somebody forgot to declare as such."""
        ids: dict[str, int] = {}
        for type_id, name in self._members_of(_KSYMS):
            ids.setdefault(name, type_id)
        found = {}
        for symbol in self.elf.symbols:
            if symbol.section or symbol.type != "NOTYPE" or not symbol.is_global or not symbol.name:
                continue
            if symbol.name in ids:
                found[symbol.name] = _Extern(symbol, partial(self._type, ids[symbol.name]), True, True)
            elif symbol.name in known or self.btf is None:
                functions = self.btf.find(symbol.name, Kind.FUNC) if self.btf else []
                read = partial(self._type, functions[0]) if functions else partial(Unknown, symbol.name)
                found[symbol.name] = _Extern(symbol, read, False, bool(functions))
        return found

    def _type(self, type_id: int) -> Type:
        """The type of a FUNC or VAR; ``Unknown`` where it is damaged."""
        assert self.btf is not None
        try:
            return self.btf.type(self.btf.record(type_id).size_or_type)
        except BtfError:
            return Unknown(self.btf.name(type_id))

    def _sites(self) -> Iterator[_Site]:
        for section in self.sections:
            for relocation in section.relocations:
                symbol = relocation.symbol
                if symbol.section or symbol.name not in self.externs:
                    continue
                if relocation.type in (R_BPF_64_32, R_BPF_64_64):
                    slot = relocation.offset // SLOT
                    line = self.ext.line(section.name, relocation.offset)
                    is_call = relocation.type == R_BPF_64_32
                    yield _Site(section, slot, symbol.name, is_call, section.body_at(slot), line)

    def _listing(self, sites: Sequence[_Site]) -> Listing:
        """The declarations, and the uses without a source line."""
        listing = Listing(self.path)
        for name, extern in self.externs.items():
            if extern.has_btf:
                before, _, after = declare(name, extern.type()).partition(name)
                words = " __weak" * extern.symbol.is_weak + " __ksym" * extern.is_ksym
                listing.add(name, f"extern {before}", name, f"{after}{words};")
        for site in sites:
            if site.line is None:
                where = f"{site.section.name}: {site.body.symbol.name if site.body else '?'}, instruction {site.slot}: "
                what = "call " if site.is_call else "address of "
                listing.add((site.section.name, site.slot), where + what, site.name)
        return listing

    def _use(self, site: _Site, listing: Listing) -> Use:
        place = self.places.use(site.line, site.name) if site.line else None
        if place is None:
            span = listing.span((site.section.name, site.slot))
            place = Place(span, span, "")
        body, section = site.body, site.section
        prototype = _prototype(self.externs[site.name].type())
        is_guard = not site.is_call and body is not None and section.conditions(body).is_guard(site.slot)
        return Use(
            kind=UseKind.CALL if site.is_call else UseKind.REFERENCE,
            name=site.name,
            function=body.symbol.name if body else "",
            argument_count=len(prototype.params) if prototype and site.is_call else 0,
            macro=place.macro,
            is_guard=is_guard,
            details=_Details(UsePlaces(place.span, place.expansion), section, body, site.slot),
        )

    def _declaration(self, name: str, extern: _Extern, listing: Listing) -> Declaration:
        place = self.places.declaration(name, extern.is_ksym) or listing.span(name)
        return Declaration(
            name,
            extern.is_ksym,
            extern.symbol.is_weak,
            place,
            False,
            lambda: (place, ()),
            extern.type,
        )

    def _functions(self, listing: Listing) -> dict[str, Function]:
        found = {}
        for section in self.sections:
            for body in section.bodies:
                line = self.ext.line(section.name, body.start * SLOT)
                name = body.symbol.name
                place = self.places.use(line, name) if line else None
                found[name] = Function(
                    name,
                    not body.symbol.is_global,
                    "" if section.name == TEXT else section.name,
                    place.span if place else Span(listing.file, 0, 0),
                    partial(self._mentions_of, name),
                    partial(self._operations_of, name),
                )
        return found

    def _mentions_of(self, name: str) -> tuple[Mention, ...]:
        return tuple(self._mentions.get(name, ()))

    def _operations_of(self, name: str) -> tuple[tuple[str, str], ...]:
        return tuple(self.operations.get(name, ()))

    @cached_property
    def _mentions(self) -> Mapping[str, list[Mention]]:
        """Who calls each function or takes its address; worked out when a rule asks for the first time."""
        functions = {
            index: {body.start: body.symbol.name for body in section.bodies}
            for index, section in zip(self.elf.code, self.sections, strict=True)
        }
        found: dict[str, list[Mention]] = {}
        for section in self.sections:
            for reference in section.references(functions):
                body = section.body_at(reference.at)
                callee, argument = ("", -1) if reference.is_call else section.receiver(reference.at)
                guards = partial(_guards, section, body, reference.at)
                caller = body.symbol.name if body else ""
                found.setdefault(reference.name, []).append(
                    Mention(caller, reference.is_call, callee, argument, guards)
                )
        return found


def _guards(section: CodeSection, body: Body | None, slot: int) -> tuple[Condition, ...]:
    return section.conditions(body).over(slot) if body else ()


class _Details(NamedTuple):
    """What an object tells of a use: where each argument was written is not known."""

    where: UsePlaces
    section: CodeSection
    body: Body | None
    slot: int

    def places(self) -> UsePlaces:
        return self.where

    def arguments(self) -> tuple[Span | None, ...]:
        return ()

    def value(self, index: int) -> Value | None:
        values = self.section.conditions(self.body).passed(self.slot) if self.body else ()
        return values[index] if index < len(values) else None

    def guards(self) -> tuple[Condition, ...]:
        return _guards(self.section, self.body, self.slot)

    def alone(self) -> None:
        return None


def _prototype(t: Type) -> FuncProto | None:
    bare = skip_modifiers_and_typedefs(t)
    return bare if isinstance(bare, FuncProto) else None
