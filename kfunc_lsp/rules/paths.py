"""What walks through the functions of a unit find on one kernel: made once for all rules that tell of it.

Only functions that call a kfunc with something to watch are looked at, and one that has not been changed is not walked
again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import cast

from kfunc_lsp.kernel.model import Fact, KernelFunction
from kfunc_lsp.kernel.sections import section_program
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.meaning import Meanings, is_of_concern
from kfunc_lsp.rules.model import Label, Severity, Stage, Violation
from kfunc_lsp.rules.programs import Program, programs_of
from kfunc_lsp.rules.trouble import Fault, Found, Trouble
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Body, Function

_WRAPPED = "____"
"""What ``BPF_PROG`` and its like put before the name of the function that holds the body."""


@dataclass(frozen=True, slots=True)
class Spot:
    """A trouble in a function.

    ``kernel_function`` is what the trouble's name is bound to; ``programs`` are those that the function is part of.
    """

    body: Body
    trouble: Trouble
    kernel_function: KernelFunction
    programs: tuple[Program, ...]

    def violation(self, headline: str, why: str, foreseen: str, began: str = "", advice: str = "") -> Violation:
        """The finding; ``began`` is what to say of the place where it began."""
        trouble = self.trouble
        related = [Label(self.body.locate(trouble.of), began)] if began and trouble.of >= 0 else []
        related += [Label(program.function.span, f"part of {program.words}") for program in self.programs[:1]]
        return Violation(
            Severity.WARNING,
            self.body.locate(trouble.at),
            headline,
            why,
            Stage.VERIFIER,
            foreseen,
            advice=advice,
            related=tuple(related),
            subject=trouble.name,
            fact=Fact.FLAGS,
        )


def spots(load: Load, *faults: Fault) -> Iterator[Spot]:
    """Where functions of the unit have ``faults``, as far as a program that is loaded certainly gets there."""
    for spot in _paths_of(load).spots:
        if spot.trouble.fault in faults:
            yield spot


def register(load: Load, index: int) -> str:
    """How the kernel calls argument ``index`` in a message: by its register since 7.2."""
    return f"R{index + 1}" if load.version is None or load.version >= (7, 2) else f"arg{index}"


@lru_cache(maxsize=1)
def _paths_of(load: Load) -> _Paths:
    """The walks of a load, the same for every rule."""
    return _Paths(load)


class _Paths:
    """The walks through one unit's functions on one kernel."""

    def __init__(self, load: Load) -> None:
        self.load = load

    @cached_property
    def spots(self) -> list[Spot]:
        """All that was found, by function and place."""
        load = self.load
        unit = load.unit
        names = {
            use.function: None
            for name, uses in unit.uses_by_name.items()
            if (bound := load.resolution(name).function) is not None and is_of_concern(bound)
            for use in uses
        }
        found: list[Spot] = []
        meanings = Meanings(load)
        programs = programs_of(load)
        for name in names:
            function = unit.functions.get(name)
            if function is None or function.body is None:
                continue
            troubles = self._walk(function, function.body, meanings)
            reaching = tuple(p for p in programs.of_function(name) if p.reach is Truth.TRUE) if troubles else ()
            if reaching:
                found += self._spots(function.body, troubles, reaching)
        return found

    def _spots(self, body: Body, troubles: Found, programs: tuple[Program, ...]) -> Iterator[Spot]:
        for trouble in sorted(troubles, key=lambda t: (t.at, t.fault.value)):
            bound = self.load.bound(trouble.name)
            if bound is not None:
                yield Spot(body, trouble, bound, programs)

    def _walk(self, function: Function, body: Body, meanings: Meanings) -> Found:
        from kfunc_lsp.rules.walk import Walk  # which few programs need

        is_wrapped = function.name.startswith(_WRAPPED)
        program = self.load.unit.functions.get(function.name.removeprefix(_WRAPPED), function)
        section = section_program(program.section) if program.section else None
        is_program = section is not None
        owns_nothing = is_wrapped and section is not None and section.program_type != "BPF_PROG_TYPE_STRUCT_OPS"
        meant = meanings.of(body.graph.names)
        key = (tuple(sorted(meant.items(), key=lambda pair: pair[0])), is_program, owns_nothing, function.is_static)
        known = body.graph.known.get(key)
        if known is None:
            walk = Walk(body.graph, meant, is_program, is_program or not function.is_static, owns_nothing)
            known = body.graph.known[key] = walk.run()
        return cast(Found, known)
