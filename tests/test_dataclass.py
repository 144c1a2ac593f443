"""``kfunc_lsp.dataclass`` behaves as the standard library's: the same classes, made by both, put to the same uses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

import pytest

from kfunc_lsp import dataclass as ours

Maker = Any


def made(maker: Maker) -> SimpleNamespace:
    @maker.dataclass(frozen=True, slots=True)
    class Point:
        x: int
        y: int = 0
        size: ClassVar[int] = 2

        @property
        def sum(self) -> int:
            return self.x + self.y

    @maker.dataclass(frozen=True)
    class Parent:
        name: str
        memo: dict[str, int] = maker.field(default_factory=dict, repr=False, compare=False)

    @maker.dataclass(frozen=True)
    class Child(Parent):
        load: Callable[[], int] = maker.field(default=int, compare=False)
        hashed: tuple[str, ...] = maker.field(default=(), hash=False)

    @maker.dataclass(frozen=True, slots=True)
    class Slotted(Point):
        z: int = 3

    @maker.dataclass
    class Changing:
        items: list[int] = maker.field(default_factory=list)
        count: int = maker.field(default=0, init=False)

        def __post_init__(self) -> None:
            self.count = len(self.items)

    @maker.dataclass(frozen=True, eq=False)
    class Itself:
        x: int

    @maker.dataclass(frozen=True, slots=True)
    class Empty:
        pass

    return SimpleNamespace(
        Point=Point, Parent=Parent, Child=Child, Slotted=Slotted, Changing=Changing, Itself=Itself, Empty=Empty
    )


def matched(value: Any, kind: Any) -> Any:
    match value:
        case kind(first, second):
            return first, second
    return None


def refused(act: Callable[[], object]) -> type[BaseException] | None:
    try:
        act()
    except (AttributeError, TypeError) as error:
        return AttributeError if isinstance(error, AttributeError) else TypeError
    return None


def is_hashable(value: object) -> bool:
    return refused(lambda: hash(value)) is None


OUT_OF_ORDER = {"__annotations__": {"given": "int", "needed": "int"}, "given": 1}

USES: dict[str, Callable[[Any, Any], object]] = {
    "defaults": lambda c, _: (c.Point(1).y, c.Child("n").memo, c.Slotted(1).z, c.Changing([1, 2]).count),
    "keywords": lambda c, _: (c.Point(y=1, x=2).sum, c.Child(name="n", hashed=("a",)).hashed),
    "repr": lambda c, _: [
        repr(v).rpartition(".")[2]
        for v in (c.Point(1), c.Parent("n", {"a": 1}), c.Child("n"), c.Changing([1]), c.Empty())
    ],
    "equal": lambda c, _: (
        c.Point(1) == c.Point(1, 0),
        c.Point(1) == c.Point(2),
        c.Point(1) == (1, 0),
        c.Point(1, 2) == c.Slotted(1, 2),
        c.Parent("n", {"a": 1}) == c.Parent("n"),
        c.Child("n", load=int) == c.Child("n", load=len),
        c.Child("n", hashed=("a",)) == c.Child("n"),
        c.Changing([1]) == c.Changing([1]),
        c.Itself(1) == c.Itself(1),
        c.Empty() == c.Empty(),
    ),
    "hash": lambda c, _: (
        len({c.Point(1), c.Point(1), c.Point(2)}),
        hash(c.Child("n", hashed=("a",))) == hash(c.Child("n")),
        is_hashable(c.Changing()),
        len({c.Itself(1), c.Itself(1)}),
        is_hashable(c.Empty()),
    ),
    "frozen": lambda c, _: (
        refused(lambda: setattr(c.Point(1), "x", 2)),
        refused(lambda: delattr(c.Parent("n"), "name")),
        refused(lambda: setattr(c.Changing(), "count", 2)),
    ),
    "slots": lambda c, _: (hasattr(c.Point(1), "__dict__"), hasattr(c.Parent("n"), "__dict__"), c.Slotted.__slots__),
    "wrong arguments": lambda c, _: (refused(lambda: c.Point()), refused(lambda: c.Changing([], 1))),
    "replace": lambda c, m: (
        m.replace(c.Point(1), y=5) == c.Point(1, 5),
        m.replace(c.Child("n"), name="m").name,
        m.replace(c.Changing([1]), items=[1, 2]).count,
        refused(lambda: m.replace(c.Point(1), other=1)),
    ),
    "match": lambda c, _: (matched(c.Point(1, 2), c.Point), matched(c.Child("n"), c.Parent), c.Changing.__match_args__),
    "copy": lambda c, _: [copy.copy(v) == v for v in (c.Point(1), c.Slotted(1), c.Child("n"), c.Changing([1]))],
    "order": lambda _, m: refused(lambda: m.dataclass(type("C", (), OUT_OF_ORDER))),
    "unchanged": lambda c, _: (c.Point.__name__, c.Point.__module__, c.Point.size),
}  # fmt: skip


@pytest.mark.parametrize("few", [0, 1, 100])
@pytest.mark.parametrize("use", USES)
def test_as_the_standard_library_does(use: str, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the first instances come to more than it takes until their class is compiled, or not."""
    monkeypatch.setattr(ours, "_FEW", few)
    assert USES[use](made(ours), ours) == USES[use](made(dataclasses), dataclasses)


@ours.dataclass(frozen=True, slots=True)
class Sent:
    text: str
    numbers: tuple[int, ...] = ()


class Pair(ours.NamedTuple):
    left: Sent
    right: int = 0


def test_an_instance_goes_to_another_process() -> None:
    for sent in (Sent("x", (1, 2)), Pair(Sent("x"), 1)):
        assert pickle.loads(pickle.dumps(sent)) == sent
        assert type(copy.copy(sent)) is type(sent)


def named(base: Any) -> Any:
    class Place(base):  # type: ignore[misc]
        """Somewhere."""

        line: int
        text: str = ""
        where: Unknown | None = None  # type: ignore[name-defined]  # noqa: F821

        @property
        def width(self) -> int:
            return len(self.text)

    return Place


TUPLE_USES: dict[str, Callable[[Any], object]] = {
    "made": lambda c: (c(1), c(1, "a"), c(text="b", line=2), c(1, "a").width),
    "read": lambda c: (c(1, "a").line, c(1, "a").text, c(1).where, c._fields, c.__match_args__, tuple(c(1))),
    "repr": lambda c: repr(c(1, "a")),
    "compared": lambda c: (c(1) == c(1), c(1) == (1, "", None), c(1, "a") < c(1, "b"), len({c(1), c(1)})),
    "kept": lambda c: (refused(lambda: setattr(c(1), "line", 2)), hasattr(c(1), "__dict__")),
    "wrong arguments": lambda c: (refused(lambda: c()), refused(lambda: c(1, other=2)), refused(lambda: c(1, 2, 3, 4))),
    "replaced": lambda c: (c(1)._replace(text="a"), c(1)._replace(), type(c(1)._replace(line=2)) is c),
    "unchanged": lambda c: (c.__name__, c.__module__, c.__doc__),
}  # fmt: skip


@pytest.mark.parametrize("use", TUPLE_USES)
def test_tuples_are_as_the_standard_librarys(use: str) -> None:
    assert TUPLE_USES[use](named(ours.NamedTuple)) == TUPLE_USES[use](named(NamedTuple))


@pytest.mark.parametrize("base", [NamedTuple, ours.NamedTuple])
def test_a_tuple_has_no_other_members(base: Any) -> None:
    with pytest.raises(ValueError, match="other"):
        named(base)(1)._replace(other=2)
