"""What one function does, as far as values that kfuncs give are concerned: blocks of steps, and how control passes.

Made from C by ``source.steps``, when a rule asks. What is not understood is there as ``Mixed`` values or ``Unclear``
steps; nothing is guessed. Places are numbers that only ``Body.locate`` understands.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property

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
    def used(self) -> frozenset[str]:
        """The locals, and the paths of memory, that are read at all."""
        return frozenset().union(*(_uses(block, ignore_writes=True)[0] for block in self.blocks))

    @cached_property
    def live(self) -> Sequence[frozenset[str]]:
        """For each block, the locals, and the paths of memory, that may be read from its beginning on."""
        read, written = zip(*map(_uses, self.blocks), strict=True)
        live: list[frozenset[str]] = list(read)
        sources: dict[int, list[int]] = {}
        for at, block in enumerate(self.blocks):
            for target in targets(block.exit):
                sources.setdefault(target, []).append(at)
        pending = list(range(len(self.blocks)))
        while pending:
            at = pending.pop()
            for source in sources.get(at, ()):
                wider = live[source] | (live[at] - written[source])
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


def _uses(block: Block, ignore_writes: bool = False) -> tuple[frozenset[str], frozenset[str]]:
    """What a block reads before it writes it, and the locals that it writes."""
    read: set[str] = set()
    written: set[str] = set()

    def take(value: Expression | None) -> None:
        for part in () if value is None else _inside(value):
            if isinstance(part, Read):
                read.add(part.path)
            elif isinstance(part, Local | Address) and part.name not in written:
                read.add(part.name)

    for step in block.steps:
        if isinstance(step, Unclear):
            read.update((step.names or frozenset()) - written)
            continue
        take(step.value)
        if isinstance(step, Store):
            take(step.base)
        elif isinstance(step, Set) and not ignore_writes:
            written.add(step.name)
    exit_ = block.exit
    if isinstance(exit_, Branch):
        take(exit_.condition)
    elif isinstance(exit_, Choose | Leave):
        take(exit_.value)
    return frozenset(read), frozenset(written)


def _inside(value: Expression) -> Iterator[Expression]:
    """``value`` and the values that it is made of."""
    yield value
    parts: tuple[Expression, ...] = ()
    if isinstance(value, Call):
        parts = value.arguments
    elif isinstance(value, Read):
        parts = (value.base,)
    elif isinstance(value, Derived):
        parts = (value.base, *value.others)
    elif isinstance(value, Compare):
        parts = (value.left, value.right)
    elif isinstance(value, Not):
        parts = (value.operand,)
    elif isinstance(value, Mixed):
        parts = value.parts
    for part in parts:
        yield from _inside(part)
