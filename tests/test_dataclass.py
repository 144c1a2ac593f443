"""``kfunc_lsp.dataclass`` behaves as the standard library's: the same classes, made by both, put to the same uses."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

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


@pytest.mark.parametrize("use", USES)
def test_as_the_standard_library_does(use: str) -> None:
    assert USES[use](made(ours), ours) == USES[use](made(dataclasses), dataclasses)


@ours.dataclass(frozen=True, slots=True)
class Sent:
    text: str
    numbers: tuple[int, ...] = ()


def test_an_instance_goes_to_another_process() -> None:
    sent = Sent("x", (1, 2))
    assert pickle.loads(pickle.dumps(sent)) == sent
