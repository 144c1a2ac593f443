"""Program types, and the hook that each one's kfuncs are registered with.

Facts of ``enum bpf_prog_type`` (whose numbers are UAPI and never change) and of ``bpf_prog_type_to_kfunc_hook``
in ``kernel/bpf/btf.c``. Whether a call is allowed is ``hooks``' business.
"""

from __future__ import annotations

from kfunc_lsp.dataclass import dataclass

PREFIX = "BPF_PROG_TYPE_"

FMODRET = -1
"""In place of a program type: the set was given to ``register_btf_fmodret_id_set``, so that none may call it."""


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration of a set: for which ``enum bpf_prog_type`` (or ``FMODRET``), with a filter or without.

    ``crossed`` says that a filter which another set brought to the same hook looks at this set too.
    """

    program_type: int
    filtered: bool = False
    crossed: bool = False


COMMON = "COMMON"
"""The hook of sets that every program type may call (registered for ``UNSPEC``)."""

FMODRET_HOOK = "FMODRET"

PROGRAM_TYPES: tuple[str, ...] = (
    "UNSPEC",
    "SOCKET_FILTER",
    "KPROBE",
    "SCHED_CLS",
    "SCHED_ACT",
    "TRACEPOINT",
    "XDP",
    "PERF_EVENT",
    "CGROUP_SKB",
    "CGROUP_SOCK",
    "LWT_IN",
    "LWT_OUT",
    "LWT_XMIT",
    "SOCK_OPS",
    "SK_SKB",
    "CGROUP_DEVICE",
    "SK_MSG",
    "RAW_TRACEPOINT",
    "CGROUP_SOCK_ADDR",
    "LWT_SEG6LOCAL",
    "LIRC_MODE2",
    "SK_REUSEPORT",
    "FLOW_DISSECTOR",
    "CGROUP_SYSCTL",
    "RAW_TRACEPOINT_WRITABLE",
    "CGROUP_SOCKOPT",
    "TRACING",
    "STRUCT_OPS",
    "EXT",
    "LSM",
    "SK_LOOKUP",
    "SYSCALL",
    "NETFILTER",
)
"""``enum bpf_prog_type`` by number, without the prefix."""

_NUMBERS = {name: number for number, name in enumerate(PROGRAM_TYPES)}

_HOOKS: dict[str, str] = {
    "UNSPEC": COMMON,
    "XDP": "XDP",
    "SCHED_CLS": "TC",
    "STRUCT_OPS": "STRUCT_OPS",
    "TRACING": "TRACING",
    "TRACEPOINT": "TRACING",
    "RAW_TRACEPOINT": "TRACING",
    "PERF_EVENT": "TRACING",
    "LSM": "TRACING",
    "SYSCALL": "SYSCALL",
    "CGROUP_SKB": "CGROUP",
    "CGROUP_SOCK": "CGROUP",
    "CGROUP_DEVICE": "CGROUP",
    "CGROUP_SOCK_ADDR": "CGROUP",
    "CGROUP_SOCKOPT": "CGROUP",
    "CGROUP_SYSCTL": "CGROUP",
    "SOCK_OPS": "CGROUP",
    "SCHED_ACT": "SCHED_ACT",
    "SK_SKB": "SK_SKB",
    "SOCKET_FILTER": "SOCKET_FILTER",
    "LWT_IN": "LWT",
    "LWT_OUT": "LWT",
    "LWT_XMIT": "LWT",
    "LWT_SEG6LOCAL": "LWT",
    "NETFILTER": "NETFILTER",
    "KPROBE": "KPROBE",
}
"""Program type to hook, as from 7.2; types that are not here call what is in ``COMMON`` alone."""


def program_type_name(number: int) -> str:
    """``BPF_PROG_TYPE_…`` of a number; one that this version does not know is named by its number."""
    return PREFIX + PROGRAM_TYPES[number] if 0 <= number < len(PROGRAM_TYPES) else f"{PREFIX}{number}"


def program_type_number(name: str) -> int | None:
    """The number of a program type, with or without ``BPF_PROG_TYPE_``; ``None`` where the name is not known."""
    return _NUMBERS.get(name.upper().removeprefix(PREFIX))


def hook_of(number: int) -> str:
    """The hook that a registration for this program type (or ``FMODRET``) goes to.

    A type that maps to no hook has only what is in ``COMMON`` (``bpf_prog_type_to_kfunc_hook``); registering
    for one fails in the kernel, and is told apart here by the type's own name.
    """
    if number == FMODRET:
        return FMODRET_HOOK
    name = program_type_name(number).removeprefix(PREFIX)
    return _HOOKS.get(name, name)


def calling_hook(number: int) -> str | None:
    """The hook besides ``COMMON`` whose kfuncs a program of this type may call; ``None`` where there is none."""
    hook = _HOOKS.get(program_type_name(number).removeprefix(PREFIX))
    return None if hook == COMMON else hook
