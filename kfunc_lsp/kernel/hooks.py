"""Whether a kernel lets programs of a type call a kfunc (``btf_kfunc_id_set_contains``).

A call is allowed where the function is registered for every program type or for the hook of the program's type,
and no filter of that hook refuses it. Where a fact was taken from another kernel, ``Answer.hooks_of`` says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kfunc_lsp.kernel.filters import Filter, filter_of, lets_through
from kfunc_lsp.kernel.flags import KF_IMPLICIT_ARGS
from kfunc_lsp.kernel.model import FunctionClass, Hook, Kernel, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON, calling_hook, program_type_number


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
    ``hooks_of`` is the release that the fact was taken from where this kernel did not tell it itself; then
    the answer is likely, not sure.
    """

    access: Access
    hook: Hook | None = None
    filter: Filter | None = None
    passes: bool | None = None
    hooks_of: str = ""


def allowed(
    kernel: Kernel,
    function: KernelFunction,
    program_type: str,
    *,
    attach_type: str = "",
    struct_ops: str = "",
    operation: str = "",
) -> Answer:
    """Whether a program of ``program_type`` (``BPF_PROG_TYPE_…``) may call ``function`` of ``kernel``.

    The further words are for filters: see ``filters.lets_through``.
    """
    number = program_type_number(program_type)
    if function.hooks is None or number is None or program_type.endswith("_EXT"):
        return Answer(Access.UNKNOWN)
    hooks = {hook.name: hook for hook in function.hooks}
    common = hooks.get(COMMON)
    own = hooks.get(calling_hook(number) or "")
    doubtful = own is not None and not _maps(kernel, number)
    for hook in (common, own):
        if hook is not None and not (hook.filtered or hook.crossed) and not (doubtful and hook is own):
            return Answer(Access.ALLOWED, hook, hooks_of=kernel.hooks_of)
    if doubtful:
        known = _maps(kernel, number) is False
        return Answer(Access.DENIED if known else Access.UNKNOWN, hooks_of=kernel.hooks_of)
    filtered = own or common
    if filtered is None:
        return Answer(Access.DENIED, hooks_of=kernel.hooks_of)
    passes = lets_through(
        function.name, program_type, attach_type=attach_type, struct_ops=struct_ops, operation=operation
    )
    return Answer(Access.FILTERED, filtered, filter_of(function.name, program_type), passes, kernel.hooks_of)


def _maps(kernel: Kernel, number: int) -> bool | None:
    """Whether this kernel maps the program type to a hook, as today's do; ``None`` where one cannot tell.

    RAW_TRACEPOINT has a hook from 7.0 on, which is also when implicit arguments came; SOCK_OPS has had one
    since between 6.12 and 6.18, where it registers a set too.
    """
    name = "BPF_PROG_TYPE_RAW_TRACEPOINT"
    if number == program_type_number(name):
        return _has_implicit_arguments(kernel)
    name = "BPF_PROG_TYPE_SOCK_OPS"
    if number == program_type_number(name):
        seen = any(name in hook.program_types for f in kernel.kfuncs() for hook in f.hooks or ())
        return seen or (_has_implicit_arguments(kernel) or None)
    return True


def _has_implicit_arguments(kernel: Kernel) -> bool:
    return any(
        f.klass in (FunctionClass.IMPLICIT, FunctionClass.BROKEN) or (f.flags or 0) & KF_IMPLICIT_ARGS
        for f in kernel.functions.values()
    )
