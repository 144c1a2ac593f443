"""What the filters in front of kfuncs mean: which calls each lets through.

An image tells that a filter stands before a function, not what it asks. This table tells the latter, as
measured on Linux 7.3, where every kfunc behind a filter was called from every kind of program; names and places
are those of its source. Older kernels have fewer filters (``sched_ext``'s came with 7.1), and those that they have
let the same through, as measured on 6.12, 6.18 and 7.0; what a newer one asks is not known.
"""

from __future__ import annotations

from collections.abc import Mapping

from kfunc_lsp.dataclass import dataclass

SOURCE = "Linux 7.3"
_OLDEST, _NEWEST = (6, 12), (7, 3)


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: the kernel's name for it, where it is, and in words what it lets through."""

    name: str
    place: str
    meaning: str


SCX = Filter(
    "scx_kfunc_context_filter",
    "kernel/sched/ext/ext.c",
    "in sched_ext_ops, by operation; some functions also in syscall and tracing programs",
)
SESSION = Filter(
    "bpf_session_filter",
    "kernel/trace/bpf_trace.c",
    "in kprobe.session, uprobe.session and fsession programs",
)
QDISC = Filter("bpf_qdisc_kfunc_filter", "net/sched/bpf_qdisc.c", "in Qdisc_ops, by operation")
TRACING_ITER = Filter("tracing_iter_filter", "net/core/filter.c", "in iter programs")
KSOCK = Filter(
    "bpf_ksock_kfunc_filter",
    "net/core/bpf_ksock.c",
    "in syscall programs, and in lsm programs other than socket_sendmsg",
)
FS = Filter("bpf_fs_kfuncs_filter", "fs/bpf_fs_kfuncs.c", "in lsm programs")
FSVERITY = Filter("bpf_get_fsverity_digest_filter", "fs/verity/measure.c", "in lsm programs")

_SCX_PREFIXES = ("scx_bpf_", "__scx_bpf_", "bpf_iter_scx_dsq_")
_NAMES: Mapping[str, Filter] = {
    **dict.fromkeys(("bpf_session_cookie", "bpf_session_is_return"), SESSION),
    **dict.fromkeys(("bpf_ksock_acquire", "bpf_ksock_release", "bpf_ksock_send"), KSOCK),
    **dict.fromkeys(
        (
            "bpf_get_dentry_xattr",
            "bpf_get_file_xattr",
            "bpf_get_task_exe_file",
            "bpf_path_d_path",
            "bpf_put_file",
            "bpf_real_data_inode",
            "bpf_remove_dentry_xattr",
            "bpf_set_dentry_xattr",
            "bpf_sock_read_xattr",
        ),
        FS,
    ),
    "bpf_get_fsverity_digest": FSVERITY,
    "bpf_sock_destroy": TRACING_ITER,
}

_QDISC_ANY = frozenset({"enqueue", "dequeue", "init", "reset", "destroy"})
_QDISC_OPERATIONS: Mapping[str, frozenset[str]] = {
    "bpf_dynptr_from_skb": _QDISC_ANY,
    "bpf_kfree_skb": _QDISC_ANY,
    "bpf_skb_get_hash": _QDISC_ANY,
    "bpf_qdisc_bstats_update": frozenset({"dequeue"}),
    "bpf_qdisc_skb_drop": frozenset({"enqueue"}),
    "bpf_qdisc_watchdog_schedule": frozenset({"enqueue", "dequeue"}),
    "bpf_qdisc_init_prologue": frozenset(),
    "bpf_qdisc_reset_destroy_epilogue": frozenset(),
}

_SCX_UNLOCKED = frozenset(
    "init_task dump cgroup_init cgroup_exit cgroup_prep_move cgroup_cancel_move cgroup_set_weight cgroup_set_bandwidth "
    "cgroup_set_idle sub_attach sub_detach cpu_online cpu_offline init_cids init exit".split()
)
"""Operations that are called without a runqueue locked."""

_SCX_ENQUEUE = frozenset({"select_cpu", "enqueue", "dispatch"})
_SCX_SELECT_CPU = _SCX_UNLOCKED | {"select_cpu", "enqueue"}
_SCX_OPERATIONS: Mapping[str, frozenset[str]] = {
    **dict.fromkeys(
        ("__scx_bpf_dsq_insert_vtime", "scx_bpf_dsq_insert", "scx_bpf_dsq_insert___v2", "scx_bpf_dsq_insert_vtime"),
        _SCX_ENQUEUE,
    ),
    **dict.fromkeys(
        ("__scx_bpf_select_cpu_and", "scx_bpf_select_cpu_and", "scx_bpf_select_cpu_dfl"),
        _SCX_SELECT_CPU,
    ),
    **dict.fromkeys(
        (
            "scx_bpf_dispatch_cancel",
            "scx_bpf_dispatch_nr_slots",
            "scx_bpf_dsq_move_to_local",
            "scx_bpf_dsq_move_to_local___v2",
            "scx_bpf_sub_dispatch",
        ),
        frozenset({"dispatch"}),
    ),
    **dict.fromkeys(
        ("scx_bpf_dsq_move", "scx_bpf_dsq_move_set_slice", "scx_bpf_dsq_move_set_vtime", "scx_bpf_dsq_move_vtime"),
        _SCX_UNLOCKED | {"dispatch"},
    ),
    "scx_bpf_create_dsq": _SCX_UNLOCKED,
    "scx_bpf_reenqueue_local": frozenset({"cpu_release"}),
}
"""Of the kfuncs that not every operation may call: those that may."""

_SCX_OPS = ("sched_ext_ops", "sched_ext_ops_cid")
_SCX_NOT_MEASURED = frozenset({"scx_bpf_cid_override"})
"""Not measured by operation: they want an arena before the filter is asked."""

_SESSIONS = frozenset(
    {
        "BPF_TRACE_KPROBE_SESSION",
        "BPF_TRACE_UPROBE_SESSION",
        "BPF_TRACE_FSESSION",
        "BPF_TRACE_FSESSION_MULTI",
    }
)


def operations_of(function: str, program_type: str) -> tuple[str, tuple[str, ...]] | None:
    """Structure and operations, the only ones that the filter lets through to ``function`` in struct_ops programs.

    ``None`` where it does not ask for the operation.
    """
    found = filter_of(function, program_type)
    if found is QDISC:
        return "Qdisc_ops", tuple(sorted(_QDISC_OPERATIONS[function]))
    if found is SCX and program_type == "BPF_PROG_TYPE_STRUCT_OPS":
        only = _SCX_OPERATIONS.get(function)
        return (_SCX_OPS[0], tuple(sorted(only))) if only is not None else None
    return None


def is_measured(version: tuple[int, int] | None) -> bool:
    """Whether the filters that a kernel of this version has are known to ask what the table says."""
    return version is not None and _OLDEST <= version <= _NEWEST


def filter_of(function: str, program_type: str) -> Filter | None:
    """The filter that stands before ``function`` in programs of this type (``BPF_PROG_TYPE_…``), if known."""
    if function.startswith(_SCX_PREFIXES):
        return SCX
    if function in _QDISC_OPERATIONS and program_type == "BPF_PROG_TYPE_STRUCT_OPS":
        return QDISC
    return _NAMES.get(function)


def lets_through(
    function: str, program_type: str, *, attach_type: str = "", struct_ops: str = "", operation: str = ""
) -> bool | None:
    """Whether the filter that ``filter_of`` gives lets the call through; ``None`` where that is not known.

    ``attach_type`` is the program's (``BPF_…``), ``struct_ops`` the struct that it is an operation of and
    ``operation`` the member; for an LSM program, ``operation`` is the LSM hook. Each empty where not known.
    """
    found = filter_of(function, program_type)
    kind = program_type.removeprefix("BPF_PROG_TYPE_")
    if found is SESSION:
        return attach_type in _SESSIONS if attach_type else None
    if found is TRACING_ITER:
        if kind != "TRACING":
            return False
        return attach_type == "BPF_TRACE_ITER" if attach_type else None
    if found in (FS, FSVERITY):
        return kind == "LSM" or (None if kind == "STRUCT_OPS" else False)
    if found is KSOCK:
        if kind == "LSM":
            return operation != "socket_sendmsg" if operation else None
        return kind == "SYSCALL"
    if found is QDISC:
        return _by_operation(_QDISC_OPERATIONS[function], ("Qdisc_ops",), struct_ops, operation)
    if found is SCX:
        return _scx(function, kind, struct_ops, operation)
    return None


def _scx(function: str, kind: str, struct_ops: str, operation: str) -> bool | None:
    if function in _SCX_NOT_MEASURED:
        return None
    only = _SCX_OPERATIONS.get(function)
    if kind == "STRUCT_OPS":
        return _by_operation(only, _SCX_OPS, struct_ops, operation)
    if kind == "SYSCALL":
        return only is None or "init" in only
    return only is None


def _by_operation(
    operations: frozenset[str] | None, structs: tuple[str, ...], struct_ops: str, operation: str
) -> bool | None:
    """``operations`` of ``structs`` pass, all of them where it is ``None``."""
    if struct_ops and struct_ops not in structs:
        return False
    if operations is not None and not operations:
        return False
    if not struct_ops:
        return None
    if operations is None:
        return True
    return operation in operations if operation else None
