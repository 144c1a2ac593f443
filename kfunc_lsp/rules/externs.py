"""The externs of a unit as the loader resolves them on one kernel, and what follows where one is left without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.libbpf import Outcome, Resolution
from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.rules.edits import is_editable
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Severity, Stage
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Declaration, Span, Use, UseKind

_MOST_CALLS = 4
"""Calls that a finding at the declaration points to."""


@dataclass(frozen=True)
class Extern:
    """A function in ``.ksyms`` that the unit uses; the loader's answer is asked for where it is needed."""

    load: Load
    name: str
    declaration: Declaration

    @property
    def uses(self) -> Sequence[Use]:
        """Its uses, in order."""
        return self.load.unit.uses_by_name[self.name]

    @property
    def is_weak(self) -> bool:
        """Whether its symbol is weak."""
        return self.load.unit.is_weak(self.name)

    @property
    def is_tolerated(self) -> bool:
        """Whether the loader goes on where it does not resolve."""
        return self.load.passes_over(self.name)

    @property
    def outcome(self) -> Outcome:
        """Whether it resolves."""
        return self.load.outcome(self.name)

    @property
    def klass(self) -> FunctionClass | None:
        """What the function is that is looked at, whether it fits or not; ``None`` where there is none."""
        return self.load.class_of(self.name)

    @property
    def resolution(self) -> Resolution:
        """The loader's whole answer."""
        return self.load.resolution(self.name)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a finding about an extern stands."""

    span: Span
    related: tuple[Label, ...]


@dataclass(frozen=True, slots=True)
class Consequence:
    """What an extern that does not resolve leads to; ``words`` say so. See ``Violation`` for the rest."""

    severity: Severity
    stage: Stage | None
    foreseen: str
    words: str
    is_fallback: bool = False


def extern_named(load: Load, name: str) -> Extern | None:
    """The used extern ``name``; ``None`` where it is no function, or not declared in ``.ksyms``."""
    declaration = load.unit.declaration(name)
    if declaration is None or declaration.prototype is None:
        return None
    return Extern(load, name, declaration)


def guards(load: Load, name: str) -> Iterator[tuple[Extern, Use]]:
    """The weak extern ``name`` with each guard on it that may be in a program."""
    extern = extern_named(load, name)
    if extern is not None and extern.is_weak:
        for use in extern.uses:
            if use.is_guard and load.unit.emission(use) is not Truth.FALSE:
                yield extern, use


def explained_elsewhere(extern: Extern) -> bool:
    """Whether another rule says why the declaration does not fit: the function cannot be called in any form, or is
    given the arguments that the verifier supplies.
    """
    function, prototype = extern.resolution.function, extern.declaration.prototype
    if function is None or prototype is None:
        return False
    extra = len(prototype.params) - len(function.prototype.params)
    is_spelled_out = 0 < extra <= len(function.implicit) and not prototype.variadic
    return is_spelled_out or function.klass in (FunctionClass.BTF_ONLY_IMPL, FunctionClass.BROKEN)


def place(load: Load, extern: Extern) -> Place:
    """The declaration where it stands in the main file, else the first use that the object may hold."""
    spans = dict.fromkeys(use.span for use in extern.uses if use.kind is not UseKind.REFERENCE)
    calls = [Label(span, "called here") for span in spans]
    name_span = extern.declaration.name_span
    if is_editable(name_span, load.unit):
        return Place(name_span, tuple(calls[:_MOST_CALLS]))
    first = next((use for use in extern.uses if load.unit.emission(use) is not Truth.FALSE), extern.uses[0])
    others = (label for label in calls if label.span != first.span)
    return Place(first.span, (Label(name_span, "declared here"), *list(others)[:_MOST_CALLS]))


def unresolved(load: Load, extern: Extern) -> Consequence | None:
    """What follows from the loader finding nothing that fits; ``None`` for nothing."""
    if not extern.is_tolerated:
        emitted = {emission(load, use) for use in extern.uses if not use.is_guard}
        if not emitted - {Truth.FALSE}:
            return None
        severity = Severity.ERROR if Truth.TRUE in emitted else Severity.WARNING
        words = "the extern is strong, so the whole object is refused"
        if extern.is_weak:
            words = f"{load.loader.name} refuses the whole object, though the extern is weak"
        if severity is Severity.WARNING:
            words += "; whether the call is compiled into it is not known"
        refusal = load.loader.refusal(extern.name, extern.resolution.function)
        return Consequence(severity, Stage.RESOLVE, refusal, words)
    what = "incompatible" if extern.outcome is Outcome.INCOMPATIBLE else "absent"
    silent = f"weak and {what} is silent: {load.loader.name} leaves it unresolved"
    foreseen = load.loader.unresolved.format(name=extern.name)
    meetings = {load.meets(use) for use in extern.uses if use.kind is not UseKind.REFERENCE}
    if Truth.TRUE in meetings:
        words = f"{silent}, and a call to it is reached without a guard"
        return Consequence(Severity.ERROR, Stage.VERIFIER, foreseen, words)
    if Truth.UNKNOWN in meetings:
        words = f"{silent}, and it is not known whether every call to it is guarded"
        return Consequence(Severity.WARNING, Stage.VERIFIER, foreseen, words)
    words = f"{silent}, so a guard on it is never true and the guarded code is dead"
    return Consequence(Severity.WARNING, None, "", words, is_fallback=True)


def emission(load: Load, use: Use) -> Truth:
    """Whether the object's symbol table has the extern for ``use``; a compiler drops an address that goes nowhere."""
    emitted = load.unit.emission(use)
    may_be_dropped = use.kind is UseKind.REFERENCE and not load.unit.is_compiled
    return Truth.UNKNOWN if may_be_dropped and emitted is Truth.TRUE else emitted
