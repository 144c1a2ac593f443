"""What a verdict rests on in a unit, so that it stands while none of that changes.

From one state of a program to the next, while a person types, little changes. A name in which nothing was found wrong
need not be judged again if nothing that is said of it is another, or at least its own evidence is what it was. Places
are no evidence: they move, and so what was found wrong is judged anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.loader import Loader
from kfunc_lsp.rules.edits import is_editable
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.meaning import is_of_section, touching
from kfunc_lsp.rules.model import Each, named, used, using
from kfunc_lsp.unit.model import Unit, UseKind


class Memory:
    """The names of one program in which nothing was found wrong, from one check of it to the next."""

    def __init__(self) -> None:
        self._fleet: Fleet | None = None
        self._unit: Unit | None = None
        self._before: Unit | None = None
        self._change = _Change()
        self._was_right: Set[tuple[Each, str]] = frozenset()
        self._is_right: set[tuple[Each, str]] = set()

    def begin(self, unit: Unit, fleet: Fleet) -> None:
        """A check begins, of a new state of the program; what was kept of another program or fleet is forgotten."""
        self._before, self._unit = self._unit, unit
        change = _change(self._before, unit, fleet.loader) if self._before and fleet is self._fleet else None
        self._was_right = self._is_right if change else frozenset()
        self._change = change or _Change()
        self._fleet, self._is_right = fleet, set()

    def stands(self, each: Each, name: str) -> bool:
        """Whether nothing is wrong with a name of the unit, as nothing was and it is what it was."""
        if (each, name) not in self._was_right or name in self._change.doubtful:
            return False
        if name in self._change.names:
            evidence = _EVIDENCE[each]
            assert self._before is not None
            assert self._unit is not None
            if evidence(self._before, name) != evidence(self._unit, name):
                return False
        self._is_right.add((each, name))
        return True

    def keep(self, each: Each, name: str) -> None:
        """Nothing was found wrong with a name."""
        if each in _EVIDENCE:
            self._is_right.add((each, name))

    def end(self) -> None:
        """The check is over: what the state before was is not needed any more."""
        self._before = None


@dataclass(frozen=True)
class _Change:
    """What is different in a unit: the names of externs and functions that it may tell something else of than before,
    and those that are doubtful even where their own evidence is what it was.
    """

    names: Set[str] = frozenset()
    doubtful: Set[str] = frozenset()


def _change(before: Unit, now: Unit, loader: Loader) -> _Change | None:
    """``None`` where every name may have to be judged again."""
    names = now.reading.since(before.reading) if before.reading and now.reading else None
    if names is None or 2 * len(names) > len(now.uses_by_name) + len(now.functions):
        return None  # to work out all that is compared takes longer than to judge
    if any(_of_program(before, name) != _of_program(now, name) for name in names):
        return None
    moved = {name for name in names if _mentions(before, name) != _mentions(now, name)}
    is_of_sections = moved or any(is_of_section(name, loader) for name in names)
    if is_of_sections and touching(before, loader) != touching(now, loader):
        return None
    declared = {name for name in names if _declared(before, (name,)) != _declared(now, (name,))}
    if any(_is_asked(unit, name) for unit in (before, now) for name in declared):
        return None
    below = _below(now, moved) if moved else moved
    defined = {name for name in names if (name in before.functions) != (name in now.functions)}
    return _Change(
        names | {use.function for name in declared for use in now.uses_by_name.get(name, ())},
        below.union(
            (use.name for name in below for use in now.uses_by_function.get(name, ())),
            (caller for unit in (before, now) for caller in _callers(unit, defined)),
        ),
    )


def _of_program(unit: Unit, name: str) -> object:
    """What the verdict on any name may rest on: which programs there are."""
    function = unit.functions.get(name)
    if function is None or not (function.section or function.members):
        return None
    return function.is_static, function.section, function.members


def _mentions(unit: Unit, name: str) -> object:
    """What the verdict on what a function uses may rest on: who gets to it, and under which conditions."""
    function = unit.functions.get(name)
    if function is None:
        return None
    return function.is_static, [(m.function, m.is_call, m.callee, m.argument, m.guards) for m in function.mentions]


def _callers(unit: Unit, functions: Set[str]) -> Iterator[str]:
    """Who mentions any of ``functions``: what a call does is another matter where the unit has no such function."""
    found = (unit.functions[name] for name in functions & unit.functions.keys())
    return (mention.function for function in found for mention in function.mentions)


def _below(unit: Unit, functions: Set[str]) -> set[str]:
    """``functions``, and those that are got to from them."""
    mentioned: dict[str, list[str]] = {}
    for name, function in unit.functions.items():
        for mention in function.mentions:
            mentioned.setdefault(mention.function, []).append(name)
    found: set[str] = set()
    pending = list(functions)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += mentioned.get(name, ())
    return found


def _is_asked(unit: Unit, name: str) -> bool:
    """Whether conditions may rest on an extern."""
    return any(use.kind is UseKind.REFERENCE for use in unit.uses_by_name.get(name, ()))


def _of_extern(unit: Unit, name: str) -> object:
    """What there is to judge of an extern: how it is declared, and each of its uses."""
    uses = [
        (use.kind, use.function, use.macro, use.is_guard, use.guards, [use.value(n) for n in range(use.argument_count)])
        for use in unit.uses_by_name.get(name, ())
    ]
    return name in unit.functions, _declared(unit, (name,)), uses


def _of_steps(unit: Unit, name: str) -> object:
    """What there is to judge of the paths through a function: its steps, and how the externs in it are declared."""
    function = unit.functions.get(name)
    externs = {use.name for use in unit.uses_by_function[name]}
    return externs, function and function.steps, _declared(unit, externs)


def _declared(unit: Unit, names: Iterable[str]) -> object:
    """How those of ``names`` are declared that are."""
    return {
        name: (unit.is_weak(name), [(d.ksym, d.type, is_editable(d.name_span, unit)) for d in declarations])
        for name in names
        if (declarations := unit.declarations.get(name))
    }


_EVIDENCE: Mapping[Each, Callable[[Unit, str], object]] = {used: _of_extern, named: _of_extern, using: _of_steps}
"""What those rules may go by that look at such names."""
