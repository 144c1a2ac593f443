"""Which kfuncs a program may call, in sentences: all of it at its ``SEC``, in short at its name."""

from __future__ import annotations

from collections.abc import Sequence

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.describe import age
from kfunc_lsp.kernel.hooks import allowed
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.program_types import COMMON
from kfunc_lsp.server.around import Program

_EXTENSION = "BPF_PROG_TYPE_EXT"
_MOST = 60
"""Kfuncs that are named one by one."""


@dataclass(frozen=True, slots=True)
class _Allowance:
    """Names of kfuncs that a program may call on ``kernel``.

    ``everywhere`` are those of every program, ``own`` those of its kind. Of ``unsure`` it is not known: a filter asks
    for the operation that the program implements, or for more than is known of it.
    """

    kernel: Kernel
    everywhere: tuple[str, ...]
    own: tuple[str, ...]
    unsure: tuple[str, ...]

    @property
    def count(self) -> str:
        """How many, and of how many more it is not known."""
        number = len(self.everywhere) + len(self.own)
        more = f", and maybe {len(self.unsure)} more" if self.unsure else ""
        return f"{number} kfunc{'s' * (number != 1)}{more}"


def at_section(name: str, program: Program, kernels: Sequence[Kernel]) -> str:
    """What there is to say at ``SEC("name")``, the section of ``program``."""
    sleeps = " that may sleep" if program.section.sleepable else ""
    kind = f"`{name}`: a program of type `{program.section.program_type}`{sleeps}{_implements(program)}."
    if program.section.program_type == _EXTENSION:
        return f"{kind} It may call what the program that it extends may call."
    found = _allowance(program, kernels)
    if found is None:
        return f"{kind} Which kfuncs it may call is not known of these kernels."
    text = f"{kind} On {found.kernel.name} it may call {len(found.everywhere) + len(found.own)} kfuncs"
    if found.own:
        text += f": {len(found.everywhere)} that every program may call, and {_named(found.own)}."
    else:
        text += ", those that every program may call."
    if found.unsure:
        depends = "on the operation" if program.is_struct_ops else "on where it is attached"
        text += f" Whether it may call {len(found.unsure)} more depends {depends}: {_named(found.unsure)}."
    return text


def at_name(name: str, section: str, program: Program, kernels: Sequence[Kernel]) -> str:
    """What there is to say in short at the name of a program; empty where the kernels do not tell what it may call."""
    found = _allowance(program, kernels)
    if found is None or program.section.program_type == _EXTENSION:
        return ""
    kind = f'Program `{name}`, `SEC("{section}")`{_implements(program)}'
    return f"{kind}. On {found.kernel.name} it may call {found.count}."


def _implements(program: Program) -> str:
    """Which operation of which structure a struct_ops program is, or that it is not known."""
    if not program.is_struct_ops:
        return ""
    if not program.struct_ops:
        return ", of a structure that is not known"
    if not program.operation:
        return f", of several operations of `{program.struct_ops}`"
    return f", `{program.words}`"


def _named(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _MOST} more" if len(names) > _MOST else ""
    return f"{', '.join(f'`{name}`' for name in names[:_MOST])}{rest}"


def _allowance(program: Program, kernels: Sequence[Kernel]) -> _Allowance | None:
    """As the newest kernel has it that knows; ``None`` where none does."""
    known = [kernel for kernel in kernels if kernel.hooks_known]
    if not known:
        return None
    kernel = max(known, key=age)
    everywhere: list[str] = []
    own: list[str] = []
    unsure: list[str] = []
    # What is for few kinds of programs tells more, and is named first.
    for function in sorted(kernel.kfuncs(), key=lambda function: (len(function.hooks or ()), function.name)):
        if not function.callable:
            continue
        answer = allowed(kernel, function, program.caller)
        if answer.hook is None or answer.is_denied or (answer.needs_sleepable and not program.section.sleepable):
            continue
        is_unsure = answer.filter is not None and answer.passes is None
        (unsure if is_unsure else everywhere if answer.hook.name == COMMON else own).append(function.name)
    return _Allowance(kernel, tuple(everywhere), tuple(own), tuple(unsure))
