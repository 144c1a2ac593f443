"""Whether a kernel lets programs of a type call a kfunc (``btf_kfunc_id_set_contains``).

A call is allowed where the function is registered for every program type or for the hook of the program's type,
and no filter of that hook refuses it. Whether the facts are this kernel's own, ``Kernel.is_own`` tells.
"""

from __future__ import annotations

from enum import Enum

from kfunc_lsp.dataclass import NamedTuple, dataclass, replace
from kfunc_lsp.kernel.filters import Filter, filter_of, is_measured, lets_through
from kfunc_lsp.kernel.flags import KF_SLEEPABLE
from kfunc_lsp.kernel.model import Hook, Kernel, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON, calling_hook, program_type_name, program_type_number


class Access(Enum):
    """Whether a call passes the check of the program type; the rest of the verifier has its own opinion."""

    ALLOWED = "allowed"
    DENIED = "denied"
    FILTERED = "behind a filter"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is known of a call.

    ``hook`` is the registration that admits it, if one does. Behind a filter, ``filter`` is which (if known)
    and ``passes`` whether it lets this program through, as the table of 7.3 has it (``None``: not known).
    ``is_sure`` is false behind a filter of a kernel that may ask other things than those that were measured.
    """

    access: Access
    hook: Hook | None = None
    filter: Filter | None = None
    passes: bool | None = None
    is_sure: bool = True

    @property
    def is_denied(self) -> bool:
        """Whether the call is refused, as far as is known."""
        return self.access is Access.DENIED or (self.access is Access.FILTERED and self.passes is False)

    @property
    def needs_sleepable(self) -> bool:
        """Whether the call passes, but only where the program may sleep."""
        return self.hook is not None and not self.is_denied and bool(self.hook.flags & KF_SLEEPABLE)


class Caller(NamedTuple):
    """What a kernel can tell of a program that calls a kfunc.

    ``program_type`` is its ``BPF_PROG_TYPE_…``; the further words are for filters: see ``filters.lets_through``.
    """

    program_type: str
    attach_type: str = ""
    struct_ops: str = ""
    operation: str = ""


def allowed(kernel: Kernel, function: KernelFunction, caller: Caller) -> Answer:
    """Whether ``caller`` may call ``function`` of ``kernel``."""
    key = (function.name, function.module, caller)
    known = kernel.memo.get(key)
    if not isinstance(known, Answer):
        known = kernel.memo[key] = _allowed(kernel, function, caller)
    return known


def _allowed(kernel: Kernel, function: KernelFunction, caller: Caller) -> Answer:
    program_type, attach_type, struct_ops, operation = caller
    answer = _registered(kernel, function, program_type)
    if answer.access is not Access.FILTERED:
        return answer
    passes = lets_through(
        function.name, program_type, attach_type=attach_type, struct_ops=struct_ops, operation=operation
    )
    found = filter_of(function.name, program_type)
    return replace(answer, filter=found, passes=passes, is_sure=is_measured(kernel.version))


def _registered(kernel: Kernel, function: KernelFunction, program_type: str) -> Answer:
    """The answer by registration, before any filter is asked."""
    number = program_type_number(program_type)
    if function.hooks is None or number is None or program_type.endswith("_EXT"):
        return Answer(Access.UNKNOWN)
    hooks = {hook.name: hook for hook in function.hooks}
    common = hooks.get(COMMON)
    own = hooks.get(calling_hook(number) or "")
    maps = kernel.young_hooks.get(program_type_name(number), True)
    doubtful = own is not None and not maps
    for hook in (common, own):
        if hook is not None and not (hook.filtered or hook.crossed) and not (doubtful and hook is own):
            return Answer(Access.ALLOWED, hook)
    if doubtful:
        return Answer(Access.DENIED if maps is False else Access.UNKNOWN)
    filtered = own or common
    return Answer(Access.DENIED if filtered is None else Access.FILTERED, filtered)
