"""What a walk through a function finds on one kernel: made once for all rules that tell of it.

Only functions that call a kfunc with something to watch are looked at, and one that has not been changed is not walked
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.model import Fact, KernelFunction
from kfunc_lsp.kernel.sections import section_program
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.meaning import concern_of, meanings
from kfunc_lsp.rules.model import Label, Severity, Stage, Violation
from kfunc_lsp.rules.programs import Program, programs_of_function
from kfunc_lsp.rules.trouble import Fault, Found, Trouble
from kfunc_lsp.unit.graph import Graph
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Body, Use

if TYPE_CHECKING:
    from kfunc_lsp.rules.walk import Walk

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


def spots(load: Load, function: str, *faults: Fault) -> Iterator[Spot]:
    """Where a function of the unit has ``faults``, as far as a program that is loaded certainly gets there."""
    found = load.shared(("spots", function), lambda load: _spots(load, function))
    return (spot for spot in found if spot.trouble.fault in faults)


def register(load: Load, index: int) -> str:
    """How the kernel calls argument ``index`` in a message: by its register since 7.2."""
    return f"R{index + 1}" if load.is_since(7, 2) is not False else f"arg{index}"


def _spots(load: Load, name: str) -> Sequence[Spot]:
    """All that was found in a function, by place."""
    function = load.unit.functions.get(name)
    troubles = load.shared(("troubles", name), lambda load: _troubles(load, name))
    if not troubles or function is None or function.body is None:
        return ()
    reaching = tuple(p for p in programs_of_function(load, name) if p.reach is Truth.TRUE)
    if not reaching:
        return ()
    found = []
    for trouble in sorted(troubles, key=lambda t: (t.at, t.fault.value)):
        bound = load.bound(trouble.name)
        if bound is not None:
            found.append(Spot(function.body, trouble, bound, reaching))
    return found


def _troubles(load: Load, name: str) -> Found:
    """What a walk through a function finds; nothing where it calls no kfunc with something to watch."""
    function = load.unit.functions.get(name)
    if function is None:
        return frozenset()
    is_wrapped = name.startswith(_WRAPPED)
    program = load.unit.functions.get(name.removeprefix(_WRAPPED), function)
    section = section_program(program.section) if program.section else None
    is_program = section is not None
    owns_nothing = is_wrapped and section is not None and section.program_type != "BPF_PROG_TYPE_STRUCT_OPS"
    uses = load.unit.uses_by_function[name]
    if not any(_is_of_concern(load, use, is_program, owns_nothing) for use in uses) or function.body is None:
        return frozenset()
    from kfunc_lsp.rules.walk import Walk  # which few programs need

    is_root = is_program or not function.is_static
    return _found(load, Walk, function.body.graph, is_program, is_root, owns_nothing)


def _is_of_concern(load: Load, use: Use, is_program: bool, owns_nothing: bool) -> bool:
    """Whether a use makes its function worth a walk, see ``Walk``.

    A macro such as ``bpf_for`` that ends what it begins, whatever is done in between, is no reason.
    """
    concern = concern_of(load, use.name)
    if (is_program and concern.sections) or (owns_nothing and concern.releases):
        return True
    return concern.gives or (concern.iterates and not (use.macro and _is_closed(load, use)))


def _is_closed(load: Load, use: Use) -> bool:
    """Whether there is nothing to tell of the macro that wrote ``use``."""
    from kfunc_lsp.rules.alone import Alone

    graph = use.alone
    return graph is not None and not _found(load, Alone, graph, False, True, False)


def _found(load: Load, walk: type[Walk], graph: Graph, is_program: bool, is_root: bool, owns_nothing: bool) -> Found:
    """What a walk finds, kept with the graph."""
    meant = meanings(load, graph.names)
    key = (walk, tuple(meant.values()), is_program, is_root, owns_nothing)
    known = graph.known.get(key)
    if known is None:
        known = graph.known[key] = walk(graph, meant, is_program, is_root, owns_nothing).run()
    return cast(Found, known)
