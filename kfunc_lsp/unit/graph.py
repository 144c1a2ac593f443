"""What one function does, as far as values that kfuncs give are concerned: blocks of steps, and how control passes.

Made from C by ``source.steps``, when a rule asks. What is not understood is there as ``Mixed`` values or ``Unclear``
steps; nothing is guessed. Places are numbers that only ``Body.locate`` understands.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import NamedTuple

from kfunc_lsp.dataclass import dataclass, field


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; NULL is 0."""

    value: int


@dataclass(frozen=True, slots=True)
class Local:
    """The value of a local variable or parameter; names are unique within a function."""

    name: str


@dataclass(frozen=True, slots=True)
class Outside:
    """Something else that has a name: a global, an enumerator, a function, a ksym."""

    name: str


@dataclass(frozen=True, slots=True)
class Address:
    """``&local``, or a local array."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A call at place ``at``; ``callee`` is empty where it is no name."""

    callee: str
    arguments: tuple[Expression, ...]
    at: int


@dataclass(frozen=True, slots=True)
class Read:
    """What stands in the memory that ``base`` points to, as ``base->a.b`` or ``base[1]``; ``path`` is it as text."""

    base: Expression
    path: str
    at: int


@dataclass(frozen=True, slots=True)
class Derived:
    """A pointer made from ``base``: ``&base->field``, ``base + 1``; ``others`` are what else went into it."""

    base: Expression
    others: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class Compare:
    """``left operator right``, operator being one of ``== != < > <= >=``."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Not:
    """``!operand``."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Mixed:
    """Any other expression: made of ``parts`` in a way that is not followed; ``is_number`` if it is no pointer."""

    parts: tuple[Expression, ...]
    is_number: bool = False


Expression = Number | Local | Outside | Address | Call | Read | Derived | Compare | Not | Mixed


@dataclass(frozen=True, slots=True)
class Set:
    """Local variable ``name`` gets ``value``; ``is_number`` and ``is_signed`` by the type it was declared with."""

    name: str
    value: Expression
    is_number: bool = False
    is_signed: bool = False


@dataclass(frozen=True, slots=True)
class Store:
    """``value`` goes where it is not followed: to memory at ``base``.

    That is an ``Address`` for a local aggregate, ``None`` for a global.
    """

    base: Expression | None
    value: Expression
    at: int


@dataclass(frozen=True, slots=True)
class Do:
    """``value`` is worked out for what it does."""

    value: Expression


@dataclass(frozen=True, slots=True)
class Unclear:
    """Something was done to these locals, or, where ``names`` is ``None``, to anything, that is not followed."""

    names: frozenset[str] | None


Step = Set | Store | Do | Unclear


@dataclass(frozen=True, slots=True)
class Go:
    """Control passes to block ``to``."""

    to: int


@dataclass(frozen=True, slots=True)
class Branch:
    """Control passes to ``yes`` or ``no``.

    ``loop`` is the loop whose condition it is (its head's block), with ``no`` behind the loop; -1 elsewhere.
    ``decides`` tells whether something is done on one side only, so that the compiler must work the condition out.
    """

    condition: Expression
    yes: int
    no: int
    loop: int = -1
    decides: bool = True


@dataclass(frozen=True, slots=True)
class Choose:
    """A ``switch``: control passes to one of ``targets`` by ``value``; ``None`` where assembler decides."""

    value: Expression | None
    targets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """The function returns ``value``."""

    value: Expression | None
    at: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Control gets no further here: after ``bpf_throw()``."""


Exit = Go | Branch | Choose | Leave | Stop


@dataclass(slots=True)
class Block:
    """Steps, then how control goes on."""

    steps: list[Step] = field(default_factory=list)
    exit: Exit = field(default_factory=Stop)


@dataclass(frozen=True, eq=False)
class Graph:
    """One function's blocks; it begins at block 0.

    ``loops`` has the first block of each loop, and the locals that it changes. ``addressed`` are locals whose address
    is taken, ``parameters`` the function's own. ``names`` are all names of things outside that it uses. ``known`` is
    room for what is worked out of the graph, which outlives the unit as long as the function is not changed.
    """

    blocks: list[Block]
    loops: dict[int, frozenset[str]]
    addressed: frozenset[str]
    parameters: tuple[str, ...]
    names: frozenset[str]
    known: dict[Hashable, object] = field(default_factory=dict, repr=False)

    @cached_property
    def sources(self) -> Sequence[Sequence[int]]:
        """For each block, those that control passes to it from."""
        sources: list[list[int]] = [[] for _ in self.blocks]
        for at, block in enumerate(self.blocks):
            for target in targets(block.exit):
                sources[target].append(at)
        return sources

    @cached_property
    def joins(self) -> frozenset[int]:
        """The blocks that control gets to in several ways."""
        return frozenset(at for at, sources in enumerate(self.sources) if len(sources) > 1)

    @cached_property
    def _uses(self) -> Sequence[_Uses]:
        return [_uses(block) for block in self.blocks]

    def quiet(self, loud: AbstractSet[str]) -> frozenset[int]:
        """The blocks that lead to the function's end, and to no call of ``loud`` ones or place where control stops."""
        stops = (at for at, block in enumerate(self.blocks) if isinstance(block.exit, Stop))
        calls = (at for at, uses in enumerate(self._uses) if not uses.called.isdisjoint(loud))
        ends = (at for at, block in enumerate(self.blocks) if isinstance(block.exit, Leave))
        return self._leading_to(ends) - self._leading_to((*stops, *calls))

    def _leading_to(self, blocks: Iterable[int]) -> frozenset[int]:
        found: set[int] = set()
        pending = list(blocks)
        while pending:
            at = pending.pop()
            if at not in found:
                found.add(at)
                pending += self.sources[at]
        return frozenset(found)

    @cached_property
    def used(self) -> frozenset[str]:
        """The locals, and the paths of memory, that are read at all."""
        return frozenset().union(*(uses.read for uses in self._uses))

    @cached_property
    def live(self) -> Sequence[frozenset[str]]:
        """For each block, the locals, and the paths of memory, that may be read from its beginning on."""
        live = [uses.read_first for uses in self._uses]
        pending = list(range(len(self.blocks)))
        while pending:
            at = pending.pop()
            for source in self.sources[at]:
                wider = live[source] | (live[at] - self._uses[source].written)
                if len(wider) > len(live[source]):
                    live[source] = wider
                    pending.append(source)
        return live


def targets(exit_: Exit) -> tuple[int, ...]:
    """The blocks that control may pass to."""
    if isinstance(exit_, Go):
        return (exit_.to,)
    if isinstance(exit_, Branch):
        return exit_.yes, exit_.no
    return exit_.targets if isinstance(exit_, Choose) else ()


class _Uses(NamedTuple):
    """The locals, and the paths of memory, that a block reads, those it reads before it writes, and those it writes.

    ``called`` are the functions that it calls.
    """

    read: frozenset[str]
    read_first: frozenset[str]
    written: frozenset[str]
    called: frozenset[str]


def _uses(block: Block) -> _Uses:
    read: set[str] = set()
    first: set[str] = set()
    written: set[str] = set()
    called: set[str] = set()
    for step in block.steps:
        if isinstance(step, Unclear):
            names = set(step.names or ())
        else:
            names = _read(step.value, step.base if isinstance(step, Store) else None)
            if isinstance(step.value, Call):
                called.add(step.value.callee)
        read |= names
        first |= names - written
        if isinstance(step, Set):
            written.add(step.name)
    exit_ = block.exit
    if isinstance(exit_, Branch):
        names = _read(exit_.condition)
    else:
        names = _read(exit_.value) if isinstance(exit_, _VALUED) else set()
    return _Uses(frozenset(read | names), frozenset(first | (names - written)), frozenset(written), frozenset(called))


def _read(*values: Expression | None) -> set[str]:
    """The locals, and the paths of memory, that are read for ``values``."""
    read: set[str] = set()
    pending = list(values)
    while pending:
        value = pending.pop()
        if isinstance(value, _NAMED):
            read.add(value.name)
        elif isinstance(value, Read):
            read.add(value.path)
            pending.append(value.base)
        elif isinstance(value, Call):
            pending += value.arguments
        elif isinstance(value, Mixed):
            pending += value.parts
        elif isinstance(value, Derived):
            pending += (value.base, *value.others)
        elif isinstance(value, Compare):
            pending += (value.left, value.right)
        elif isinstance(value, Not):
            pending.append(value.operand)
    return read


_NAMED = (Local, Address)
_VALUED = (Choose, Leave)
"""Sorts of expressions and exits, as ``isinstance`` takes them fastest."""
