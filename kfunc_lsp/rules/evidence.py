"""What a verdict rests on in a unit, so that it stands while none of that changes.

From one state of a program to the next, while a person types, little changes. A name in which nothing was found wrong
need not be judged again if its own evidence is what it was, and the frame, which any verdict may rest on. Places are no
evidence: they move, and so what was found wrong is judged anew each time. Evidence is compared, and never hashed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from kfunc_lsp.kernel.loader import Loader
from kfunc_lsp.rules.edits import is_editable
from kfunc_lsp.rules.fleet import Fleet
from kfunc_lsp.rules.meaning import touching
from kfunc_lsp.rules.model import Each, named, used, using
from kfunc_lsp.unit.model import Function, Unit, UseKind


class Memory:
    """The names of one program in which nothing was found wrong, from one check of it to the next."""

    def __init__(self) -> None:
        self._about: tuple[Fleet, object] | None = None
        self._before: dict[tuple[Each, str], object] = {}
        self._now: dict[tuple[Each, str], object] = {}
        self._asked: object = None

    def begin(self, unit: Unit, fleet: Fleet) -> None:
        """A check begins, of a new state of the program; what was kept of another program or fleet is forgotten."""
        about = fleet, _frame(unit, fleet.loader)
        self._before = self._now if about == self._about else {}
        self._about, self._now = about, {}

    def stands(self, unit: Unit, each: Each, name: str) -> bool:
        """Whether nothing is wrong with a name of ``unit``, as nothing was and it is what it was."""
        evidence = self._asked = _EVIDENCE[each](unit, name) if each in _EVIDENCE else None
        if evidence is None or self._before.get((each, name)) != evidence:
            return False
        self._now[each, name] = evidence
        return True

    def keep(self, each: Each, name: str) -> None:
        """Nothing was found wrong with the name that ``stands`` was asked about last."""
        if self._asked is not None:
            self._now[each, name] = self._asked


def _frame(unit: Unit, loader: Loader) -> object:
    """What the verdict on any name may rest on: who calls whom and under which conditions, and what is missing."""
    asked = {use.name for use in unit.uses if use.kind is UseKind.REFERENCE}
    return (
        bool(unit.missing_headers),
        bool(unit.problems),
        unit.is_compiled,
        touching(unit, loader),
        {name: _of_function(function) for name, function in unit.functions.items()},
        _declared(unit, asked),
    )


def _of_function(function: Function) -> object:
    mentions = [(m.function, m.is_call, m.callee, m.argument, m.guards) for m in function.mentions]
    return function.is_static, function.section, function.members, mentions


def _of_extern(unit: Unit, name: str) -> object:
    """What there is to judge of an extern: how it is declared, and each of its uses."""
    uses = [
        (use.kind, use.function, use.argument_count, use.macro, use.is_guard, use.guards, use.values)
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
