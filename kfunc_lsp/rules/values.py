"""What a walk through one function knows at one point of one path: values of locals, objects, what is held.

An object is what one call of a kfunc gave. Whether the verifier certainly explores a side of a condition is told by
``Unknown.roots``: what a value was made from, each of which may be decided once on a path.
"""

from __future__ import annotations

from enum import Enum

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.rules.trouble import Section


class Null(Enum):
    """Whether a pointer is NULL: ``MAYBE`` the kernel said so and nobody asked, ``UNCLEAR`` it may have been asked."""

    MAYBE = "maybe"
    NO = "no"
    YES = "yes"
    UNCLEAR = "unclear"


class Held(Enum):
    """Whether a reference is held: ``NEVER`` none was given, ``ELSEWHERE`` it is followed no further."""

    HELD = "held"
    RELEASED = "released"
    NEVER = "never"
    ELSEWHERE = "elsewhere"


class Sort(Enum):
    """What sort of unknown value the verifier sees.

    ``NUMBER`` any number at all, ``FLAG`` zero or something else, ``WORD`` a number or a pointer, ``POINTER`` a pointer
    that may be known not to be NULL, ``OPAQUE`` perhaps a constant.
    """

    NUMBER = "number"
    FLAG = "flag"
    WORD = "word"
    POINTER = "pointer"
    OPAQUE = "opaque"


Root = tuple[str, object]
Load = tuple[int, int, bool]
"""An object, the place where it is read, and whether it was released before."""


@dataclass(frozen=True, slots=True)
class Known:
    """A number."""

    number: int


@dataclass(frozen=True, slots=True)
class Pointer:
    """Object ``id``; not ``exact`` where something was added to the pointer."""

    id: int
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Asked:
    """Whether object ``id`` is there, or, not ``positive``, whether it is NULL."""

    id: int
    positive: bool


@dataclass(frozen=True, slots=True)
class Stack:
    """The address of a local; not ``exact`` where it may be that of a part."""

    name: str
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something else; ``loads`` are reads that the compiler drops if the value is not used.

    ``parameter`` is the parameter of a program that it is, unchanged.
    """

    sort: Sort = field(hash=False)
    roots: frozenset[Root] = frozenset()
    loads: frozenset[Load] = field(default=frozenset(), hash=False)
    is_signed: bool = field(default=False, hash=False)
    parameter: str = field(default="", hash=False)


Abstract = Known | Pointer | Asked | Stack | Unknown
OPAQUE = Unknown(Sort.OPAQUE)


@dataclass(frozen=True, slots=True)
class Object:
    """What is known of an object: the kfunc that gave it, whether it is NULL, and whether a reference is held."""

    giver: str
    null: Null = field(hash=False)
    held: Held = field(hash=False)


Places = tuple[int, ...] | None
"""Where sections that are open were begun; ``None`` where that is not known."""


@dataclass(slots=True)
class State:
    """One point of one path.

    ``iterators`` has, by local, where and by which kfunc it was begun, ``None`` for what is not followed. ``open`` has
    the sections that are known to be open. ``decided`` are the roots that conditions have asked about, with the answer
    where it was a plain one. ``visits`` counts how often a loop was begun.
    """

    locals: dict[str, Abstract] = field(default_factory=dict)
    objects: dict[int, Object] = field(default_factory=dict)
    iterators: dict[str, tuple[int, str] | None] = field(default_factory=dict)
    open: dict[Section, Places] = field(default_factory=dict)
    spins: bool = False
    decided: dict[Root, bool | None] = field(default_factory=dict)
    visits: dict[int, int] = field(default_factory=dict)

    def copy(self) -> State:
        """One that goes its own way."""
        return State(
            self.locals.copy(),
            self.objects.copy(),
            self.iterators.copy(),
            self.open.copy(),
            self.spins,
            self.decided.copy(),
            self.visits.copy(),
        )

    def forget_all_but(self, live: frozenset[str]) -> None:
        """Drop what is known of locals but ``live`` ones."""
        self.locals = {name: value for name, value in self.locals.items() if name in live}

    def forget_all_about(self, live: frozenset[str]) -> None:
        """Drop what cannot matter any more when only ``live`` locals and paths of memory are still read."""
        pointed: set[int] = set()
        roots: set[Root] = set()
        for value in self.locals.values():
            if isinstance(value, Unknown):
                roots.update(value.roots)
                pointed.update(id_ for id_, *_ in value.loads)
            elif isinstance(value, Pointer | Asked):
                pointed.add(value.id)
        pointed.update(id_ for kind, id_ in roots if kind == "object" and isinstance(id_, int))
        self.objects = {i: o for i, o in self.objects.items() if i in pointed or o.held is Held.HELD}
        self.decided = {
            root: answer
            for root, answer in self.decided.items()
            if root in roots or (root[0] == "memory" and root[1] in live)
        }

    def key(self) -> object:
        """Equal for states from which everything goes on alike."""
        return (
            frozenset(self.locals.items()),
            frozenset(self.objects.items()),
            frozenset(self.iterators.items()),
            (*self.open.values(), self.spins),
            frozenset(self.decided.items()),
            frozenset(self.visits.items()),
        )

    def is_settled(self) -> bool:
        """Whether nothing is held, begun, released, or still to be asked about, nor a value left of what was."""
        return (
            not any(self.open.values())
            and not any(self.iterators.values())
            and not any(isinstance(value, Unknown) and value.loads for value in self.locals.values())
            and all(known.null is not Null.MAYBE and known.held in _SETTLED for known in self.objects.values())
        )

    def change(self, id_: int, null: Null | None = None, held: Held | None = None) -> None:
        """What is now known of an object."""
        known = self.objects[id_]
        self.objects[id_] = Object(known.giver, null or known.null, held or known.held)

    def lose(self, value: Abstract) -> None:
        """``value`` goes where it is not followed."""
        if isinstance(value, Pointer):
            self.change(value.id, held=Held.ELSEWHERE, null=Null.UNCLEAR if self.maybe(value) else None)
        elif isinstance(value, Stack) and value.name in self.iterators:
            self.iterators[value.name] = None

    def maybe(self, value: Pointer) -> bool:
        """Whether the kernel has said that the object may be NULL, and nobody has asked."""
        return self.objects[value.id].null is Null.MAYBE

    def ask_about(self, roots: frozenset[Root], answer: bool | None = None) -> None:
        """Note that a condition has asked about ``roots``; what depends on them is no longer certain."""
        for root in roots:
            kind, id_ = root
            if kind == "object" and isinstance(id_, int) and self.objects[id_].null is Null.MAYBE:
                self.change(id_, Null.UNCLEAR)
            self.decided[root] = answer if len(roots) == 1 else None


_SETTLED = (Held.NEVER, Held.ELSEWHERE)
