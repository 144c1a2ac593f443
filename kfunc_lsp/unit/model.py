"""A BPF program as the rules see it: declarations, uses, functions, and where each was written.

Made from C by ``source``; rules ask it, and never look at text or tokens themselves.

Text is held as bytes decoded as latin-1, one character a byte, so every offset is a byte offset whatever the file's
encoding; ``SourceFile.decode`` gives the real characters back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Container, Mapping, Sequence
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kfunc_lsp.btf.types import FuncProto, Type, skip_modifiers_and_typedefs
from kfunc_lsp.dataclass import NamedTuple, dataclass, field
from kfunc_lsp.unit.guard import Condition, Resolves, Truth, all_of, emitted, reached
from kfunc_lsp.unit.reading import Reading
from kfunc_lsp.unit.value import Value

if TYPE_CHECKING:
    from kfunc_lsp.unit.graph import Graph

_DEEPEST_CALLS = 300


@dataclass(frozen=True, eq=False)
class SourceFile:
    """A file of the program, as it was at one time. ``text`` holds one character a byte (latin-1)."""

    path: str
    text: str

    @cached_property
    def line_starts(self) -> list[int]:
        """Byte offset at which each line begins."""
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Zero-based line, and byte within the line, of a byte offset."""
        line = bisect_right(self.line_starts, offset) - 1
        return line, offset - self.line_starts[line]

    def line(self, number: int) -> str:
        """The bytes of zero-based line ``number``, without its line end."""
        start = self.line_starts[number]
        end = self.line_starts[number + 1] - 1 if number + 1 < len(self.line_starts) else len(self.text)
        return self.text[start:end].rstrip("\r")

    @staticmethod
    def decode(part: str) -> str:
        """Characters of a piece of ``text``; bytes that are no UTF-8 become U+FFFD."""
        return part.encode("latin-1").decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes ``start`` to ``end`` (exclusive) of a file."""

    file: SourceFile
    start: int
    end: int

    @property
    def text(self) -> str:
        """The bytes, one character each."""
        return self.file.text[self.start : self.end]


class UseKind(Enum):
    """How a ksym is used. ``CLEANUP`` and ``ASM`` are calls that are no call expressions in C."""

    CALL = "call"
    CLEANUP = "cleanup"
    ASM = "asm"
    REFERENCE = "reference"


@dataclass(frozen=True)
class Declaration:
    """A declaration of a ksym, or of a function whose name is a kfunc's.

    ``ksym`` tells whether it stands in section ``.ksyms``; ``is_alone`` that its statement declares nothing else.
    """

    name: str
    ksym: bool
    weak: bool
    name_span: Span
    is_alone: bool
    load_extent: Callable[[], tuple[Span, tuple[Span | None, ...]]] = field(repr=False, compare=False)
    load_type: Callable[[], Type] = field(repr=False, compare=False)

    @cached_property
    def _extent(self) -> tuple[Span, tuple[Span | None, ...]]:
        return self.load_extent()

    @property
    def span(self) -> Span:
        """The whole statement with its ``;``."""
        return self._extent[0]

    @property
    def params(self) -> tuple[Span | None, ...]:
        """Where each parameter is written; ``None`` for one that a macro wrote."""
        return self._extent[1]

    @cached_property
    def type(self) -> Type:
        """What clang would put into BTF: a ``FuncProto`` for a function."""
        return self.load_type()

    @cached_property
    def prototype(self) -> FuncProto | None:
        """The type of a function, ``None`` for a variable."""
        bare = skip_modifiers_and_typedefs(self.type)
        return bare if isinstance(bare, FuncProto) else None


class UsePlaces(NamedTuple):
    """Where a use is: see ``Use``."""

    span: Span
    expansion: Span
    definition: Span | None = None


class Details(Protocol):
    """What is worked out of a use when somebody asks for it."""

    def places(self) -> UsePlaces:
        """See ``Use.span``."""

    def arguments(self) -> tuple[Span | None, ...]:
        """See ``Use.arguments``."""

    def value(self, index: int) -> Value | None:
        """See ``Use.value``."""

    def guards(self) -> tuple[Condition, ...]:
        """See ``Use.guards``."""

    def alone(self) -> Graph | None:
        """See ``Use.alone``."""


@dataclass(frozen=True, eq=False)
class Use:
    """A place where a ksym is called or its address is taken.

    ``argument_count`` is the compiler's; ``function`` is empty at file level; ``macro`` is the outermost one that wrote
    the name.
    """

    kind: UseKind
    name: str
    function: str
    argument_count: int
    macro: str
    is_guard: bool
    details: Details = field(repr=False)

    @cached_property
    def _places(self) -> UsePlaces:
        return self.details.places()

    @property
    def span(self) -> Span:
        """Where a person looks: the name as written, or the outermost macro use where a macro wrote it."""
        return self._places.span

    @property
    def expansion(self) -> Span:
        """Where debug information has it: the outermost macro use also for what stands in a macro's argument."""
        return self._places.expansion

    @property
    def definition(self) -> Span | None:
        """Where the macro that wrote it is defined."""
        return self._places.definition

    @cached_property
    def arguments(self) -> tuple[Span | None, ...]:
        """Where each argument is written; ``None`` for one that a macro wrote."""
        return self.details.arguments()

    def value(self, index: int) -> Value | None:
        """What an argument certainly is; ``None`` where that is not known, or there is none."""
        return self.details.value(index)

    @cached_property
    def guards(self) -> tuple[Condition, ...]:
        """The conditions under which the use is reached, outermost first."""
        return self.details.guards()

    @property
    def alone(self) -> Graph | None:
        """What ``macro`` does by itself, whatever it is given, around code that may leave it; ``None`` if unknown."""
        return self.details.alone()


@dataclass(frozen=True)
class Mention:
    """A place where ``function`` (empty at file level) calls or takes the address of another function of the unit.

    ``is_call`` tells which. Where the address is an argument, ``callee`` is the function that takes it and
    ``argument`` its index.
    """

    function: str
    is_call: bool
    callee: str
    argument: int
    load_guards: Callable[[], tuple[Condition, ...]] = field(repr=False, compare=False)

    @cached_property
    def guards(self) -> tuple[Condition, ...]:
        """The conditions over the place, outermost first."""
        return self.load_guards()


@dataclass(frozen=True, eq=False)
class Body:
    """What a function does, and where the places of its graph are, as ``Use.span`` has them."""

    graph: Graph
    locate: Callable[[int], Span]


@dataclass(frozen=True)
class Function:
    """A function defined in the program; ``section`` is its SEC (empty without), ``mentions`` who refers to it.

    ``members`` are what struct_ops maps of the unit use it for: (structure, member). ``body`` is what it does, ``None``
    where that is not known; while ``steps`` compare equal, from one state of a program to the next, it does the same.
    """

    name: str
    is_static: bool
    section: str
    span: Span
    load_mentions: Callable[[], tuple[Mention, ...]] = field(repr=False, compare=False)
    load_members: Callable[[], tuple[tuple[str, str], ...]] = field(default=tuple, repr=False, compare=False)
    load_body: Callable[[], Body | None] = field(default=lambda: None, repr=False, compare=False)
    steps: object = field(default_factory=object, repr=False, compare=False)

    @cached_property
    def mentions(self) -> tuple[Mention, ...]:
        """Who calls it or takes its address."""
        return self.load_mentions()

    @cached_property
    def members(self) -> tuple[tuple[str, str], ...]:
        """The members of struct_ops maps that it implements: (structure, member)."""
        return self.load_members()

    @cached_property
    def body(self) -> Body | None:
        """The steps of the function; made when a rule asks."""
        return self.load_body()


@dataclass(frozen=True)
class Unit:
    """One translation unit.

    ``file`` is the main file. ``declarations`` are by name, in order, headers' included. ``missing_headers`` were not
    found: types and prototypes may then be unknown. ``problems`` says in words what was given up. ``macros`` are those
    at the unit's end, ``made_weak`` names of ``#pragma weak``. ``license`` is the string in that section, ``None``
    where none was seen. ``is_compiled`` where it was read from an object: what is not in it was not emitted. ``files``
    are the paths of all files of it. ``seen`` tells what a type of a kernel comes to where the unit's own typedefs and
    tags count. ``reading`` is what it was read from, where that can be compared.
    """

    file: SourceFile
    declarations: Mapping[str, Sequence[Declaration]]
    uses: Sequence[Use]
    functions: Mapping[str, Function]
    missing_headers: Sequence[str]
    problems: Sequence[str]
    macros: Container[str] = ()
    made_weak: frozenset[str] = frozenset()
    license: str | None = None
    is_compiled: bool = False
    files: frozenset[str] = frozenset()
    seen: Callable[[Type], Type] = field(default=lambda t: t, repr=False, compare=False)
    reading: Reading | None = field(default=None, repr=False, compare=False)
    _kept: dict[str, Declaration | None] = field(default_factory=dict, repr=False, compare=False)
    _emissions: dict[str, Truth] = field(default_factory=dict, repr=False, compare=False)
    _presences: dict[str, Truth] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def uses_by_name(self) -> Mapping[str, Sequence[Use]]:
        """The uses of each ksym, in order."""
        found: dict[str, list[Use]] = {}
        for use in self.uses:
            found.setdefault(use.name, []).append(use)
        return found

    @cached_property
    def uses_by_function(self) -> Mapping[str, Sequence[Use]]:
        """The uses in each function that has some, in order."""
        found: dict[str, list[Use]] = {}
        for use in self.uses:
            found.setdefault(use.function, []).append(use)
        return found

    def declaration(self, name: str) -> Declaration | None:
        """The declaration whose type clang keeps: the first in ``.ksyms``, or a later one that has a prototype."""
        if name not in self._kept:
            found = [d for d in self.declarations.get(name, ()) if d.ksym]
            self._kept[name] = next(
                (d for d in found if d.prototype is None or d.prototype.params or not d.prototype.variadic), None
            ) or (found[0] if found else None)
        return self._kept[name]

    def is_weak(self, name: str) -> bool:
        """Whether the symbol is weak: one weak declaration makes it so."""
        return name in self.made_weak or any(d.weak for d in self.declarations.get(name, ()))

    def emission(self, use: Use) -> Truth:
        """Whether the object file holds the use: TRUE, FALSE (in code that is never emitted), or UNKNOWN.

        An extern that no emitted code uses is in no symbol table, so libbpf never asks for it.
        """
        if self.is_compiled:
            return Truth.TRUE
        return all_of(emitted(use.guards), self._emission_of(use.function))

    def presence(self, use: Use) -> Truth:
        """Whether a program that is loaded holds the use's instruction, be it dead code or not."""
        here = Truth.TRUE if self.is_compiled else emitted(use.guards)
        return all_of(here, self._presence_of(use.function))

    def reach(self, use: Use, resolves: Resolves, reach_of: Callable[[str], Truth] | None = None) -> Truth:
        """Whether the verifier sees the use on a kernel: TRUE, FALSE (dead code there), or UNKNOWN.

        ``reach_of`` tells it of the function that holds the use, where that has been worked out.
        """
        here = reached(use.guards, resolves)
        if here is Truth.FALSE:
            return here
        return all_of(here, reach_of(use.function) if reach_of else self.reach_of(use.function, resolves))

    def reach_of(self, function: str, resolves: Resolves) -> Truth:
        """Whether the verifier gets into ``function`` on a kernel."""
        return self._through_callers(function, lambda guards: reached(guards, resolves), lambda f: bool(f.section), {})

    def _emission_of(self, function: str) -> Truth:
        if function not in self._emissions:
            self._emissions[function] = self._through_callers(function, emitted, lambda f: not f.is_static, {})
        return self._emissions[function]

    def _presence_of(self, function: str) -> Truth:
        if function not in self._presences:
            judge = (lambda guards: Truth.TRUE) if self.is_compiled else emitted
            self._presences[function] = self._through_callers(function, judge, lambda f: bool(f.section), {})
        return self._presences[function]

    def _through_callers(
        self,
        name: str,
        judge: Callable[[Sequence[Condition]], Truth],
        is_root: Callable[[Function], bool],
        known: dict[str, Truth],
    ) -> Truth:
        """Whether code of function ``name`` is there, from those who mention it; ``known`` has what is worked out."""
        function = self.functions.get(name)
        if function is None or is_root(function):
            return Truth.TRUE
        if name in known:
            return known[name]
        if not function.mentions:
            return Truth.FALSE if function.is_static else Truth.UNKNOWN
        answer = known[name] = Truth.FALSE
        if len(known) > _DEEPEST_CALLS:
            return Truth.UNKNOWN
        for mention in function.mentions:
            # What a table holds may never be called: nobody says when.
            caller = (
                self._through_callers(mention.function, judge, is_root, known) if mention.function else Truth.UNKNOWN
            )
            truth = all_of(judge(mention.guards), caller) if caller is not Truth.FALSE else caller
            if truth is not Truth.FALSE:
                answer = truth
            if truth is Truth.TRUE:
                break
        known[name] = answer
        return answer
