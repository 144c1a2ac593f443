"""What the names that a function uses mean on one kernel: kfuncs by their flags, helpers, functions of the unit."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from kfunc_lsp.btf import types as btf
from kfunc_lsp.dataclass import NamedTuple, dataclass
from kfunc_lsp.kernel import flags as kf
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.loader import Loader
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.trouble import Section
from kfunc_lsp.unit.model import Unit


class Result(Enum):
    """What a function gives."""

    POINTER = "pointer"
    SIGNED = "signed"
    NUMBER = "number"
    FLAG = "flag"
    OPAQUE = "opaque"


class Role(Enum):
    """What a function does to a section, to an iterator, to what it is given, or to the path."""

    BEGINS = "begins"
    ENDS = "ends"
    ITERATOR_NEW = "iterator new"
    ITERATOR_NEXT = "iterator next"
    ITERATOR_DESTROY = "iterator destroy"
    TAKES = "takes"
    SPINS = "spins"
    STOPS = "stops"
    UNCLEAR = "unclear"
    NONE = "none"


ITERATING = frozenset((Role.ITERATOR_NEW, Role.ITERATOR_NEXT, Role.ITERATOR_DESTROY))


@dataclass(frozen=True, slots=True)
class Meaning:
    """What calling a name does, on one kernel.

    ``uses`` tells whether arguments are certainly used; ``keeps`` that pointers are followed no further;
    ``wants`` has, for each argument, whether it must not be NULL. ``section`` is what it begins or ends;
    ``touches_sections`` where it may begin or end any. ``may_be_null`` is ``None`` where that depends on the argument.
    ``exists`` is what the name comes to in a condition.
    """

    result: Result = Result.OPAQUE
    role: Role = Role.NONE
    uses: bool = False
    keeps: bool = True
    is_kfunc: bool = False
    acquires: bool = False
    releases: bool = False
    may_be_null: bool | None = False
    rcu_protected: bool = False
    sleeps: bool = False
    wants: tuple[bool, ...] = ()
    section: Section | None = None
    touches_sections: bool = False
    exists: bool | None = None

    def begins(self, is_program: bool, owns_nothing: bool) -> bool:
        """Whether there may be something to tell of a call in a function, see ``Walk``, where nothing is held yet."""
        if self.role in ITERATING or self.role is Role.STOPS or self.acquires or self.may_be_null:
            return True
        if is_program and (self.rcu_protected or self.section is not None):
            return True
        return owns_nothing and self.releases


_GIVING = kf.KF_ACQUIRE | kf.KF_RET_NULL
_ITERATING = kf.KF_ITER_NEW | kf.KF_ITER_NEXT | kf.KF_ITER_DESTROY
_SECTIONS = {
    "bpf_rcu_read_lock": (Section.RCU, Role.BEGINS),
    "bpf_rcu_read_unlock": (Section.RCU, Role.ENDS),
    "bpf_preempt_disable": (Section.PREEMPT, Role.BEGINS),
    "bpf_preempt_enable": (Section.PREEMPT, Role.ENDS),
    "bpf_local_irq_save": (Section.IRQ, Role.BEGINS),
    "bpf_local_irq_restore": (Section.IRQ, Role.ENDS),
}
_ROLES = {
    "bpf_res_spin_lock": Role.SPINS,
    "bpf_res_spin_lock_irqsave": Role.SPINS,
    "bpf_throw": Role.STOPS,
    "bpf_list_push_front": Role.TAKES,
    "bpf_list_push_front_impl": Role.TAKES,
    "bpf_list_push_back": Role.TAKES,
    "bpf_list_push_back_impl": Role.TAKES,
    "bpf_list_add": Role.TAKES,
    "bpf_rbtree_add": Role.TAKES,
    "bpf_rbtree_add_impl": Role.TAKES,
}
"""Kfuncs that the verifier knows by name."""
_HELPER_ROLES = {
    "bpf_spin_lock": Role.SPINS,
    "bpf_kptr_xchg": Role.TAKES,
    "bpf_ringbuf_submit": Role.TAKES,
    "bpf_ringbuf_discard": Role.TAKES,
    "bpf_sk_release": Role.TAKES,
}
_NUMBERS = frozenset(
    """
    bpf_copy_from_user bpf_current_task_under_cgroup bpf_dynptr_from_mem bpf_dynptr_read bpf_dynptr_write
    bpf_for_each_map_elem bpf_get_cgroup_classid bpf_get_current_ancestor_cgroup_id bpf_get_current_cgroup_id
    bpf_get_current_comm bpf_get_current_pid_tgid bpf_get_current_uid_gid bpf_get_func_arg bpf_get_func_arg_cnt
    bpf_get_func_ip bpf_get_prandom_u32 bpf_get_socket_cookie bpf_jiffies64 bpf_ktime_get_boot_ns
    bpf_ktime_get_coarse_ns bpf_ktime_get_ns bpf_ktime_get_tai_ns bpf_loop bpf_map_delete_elem bpf_map_peek_elem
    bpf_map_pop_elem bpf_map_push_elem bpf_map_update_elem bpf_perf_event_output bpf_probe_read
    bpf_probe_read_kernel bpf_probe_read_kernel_str bpf_probe_read_user bpf_probe_read_user_str bpf_ringbuf_output
    bpf_send_signal bpf_skb_load_bytes bpf_skb_pull_data bpf_skb_store_bytes bpf_skb_under_cgroup bpf_strncmp
    bpf_task_storage_delete bpf_timer_cancel bpf_timer_init bpf_timer_set_callback bpf_timer_start bpf_trace_printk
    bpf_xdp_load_bytes bpf_xdp_store_bytes
    """.split()
)
"""Helpers that give a number of which the verifier knows nothing that matters to a comparison with zero."""
_NULLABLE = ("__ign", "__nullable", "__opt", "__arena", "__map", "__const_map", "__prog", "__magic", "__uninit")


class Concern(NamedTuple):
    """Why a use of a kfunc may make its function worth a walk.

    It begins or ends a section, or may be called in one alone; it releases a reference; it gives one, or a pointer that
    may be NULL; or it has to do with an iterator.
    """

    sections: bool = False
    releases: bool = False
    gives: bool = False
    iterates: bool = False


def concern_of(load: Load, name: str) -> Concern:
    """What there is to watch in a use of extern ``name``."""

    def judge(load: Load) -> Concern:
        function = load.bound(name)
        if function is None or not function.callable or function.flags is None:
            return Concern()
        flags = function.flags
        iterates = bool(flags & _ITERATING)
        return Concern(
            bool(flags & kf.KF_RCU_PROTECTED) or function.name in _SECTIONS,
            bool(flags & kf.KF_RELEASE),
            bool(flags & _GIVING) and not iterates and _result(function.prototype.returns) is Result.POINTER,
            iterates,
        )

    return load.shared(("concern", name), judge)


def meanings(load: Load, names: Iterable[str]) -> dict[str, Meaning]:
    """What ``names`` mean to a function of the unit, and a call of what has no name."""
    found = {"": Meaning(touches_sections=True)}
    for name in names:
        found[name] = _meaning(load, name)
    return found


def _meaning(load: Load, name: str) -> Meaning:
    unit = load.unit
    if name in unit.functions:
        those = load.shared(touching, lambda load: touching(load.unit, load.loader))
        return Meaning(touches_sections=name in those)
    declaration = unit.declaration(name)
    if declaration is not None:
        if declaration.prototype is None:
            return Meaning(role=Role.UNCLEAR)
        return load.shared(("meaning", name), lambda load: _kfunc(load, name))
    if name.startswith("__builtin_"):
        return Meaning(keeps=False)
    if name.startswith("bpf_"):
        return _helper(name)
    return Meaning(role=Role.UNCLEAR) if unit.missing_headers else Meaning(touches_sections=True)


def _kfunc(load: Load, name: str) -> Meaning:
    outcome, function = load.outcome(name), load.bound(name)
    exists = load.resolves(name) if load.unit.is_weak(name) else True
    is_bound = outcome is Outcome.RESOLVED or (outcome is Outcome.UNKNOWN and not load.unit.is_weak(name))
    if function is None or not is_bound or not function.callable or function.flags is None:
        return Meaning(role=Role.UNCLEAR, exists=exists)
    flags = function.flags
    is_refcount = function.name.startswith("bpf_refcount_acquire")
    section, role = _SECTIONS.get(function.name, (None, _ROLES.get(function.name, Role.NONE)))
    for flag, iterating in (
        (kf.KF_ITER_NEW, Role.ITERATOR_NEW),
        (kf.KF_ITER_NEXT, Role.ITERATOR_NEXT),
        (kf.KF_ITER_DESTROY, Role.ITERATOR_DESTROY),
    ):
        role = iterating if flags & flag else role
    return Meaning(
        result=Result.OPAQUE if flags & kf.KF_ARENA_RET else _result(function.prototype.returns),
        role=role,
        uses=True,
        keeps=False,
        is_kfunc=True,
        acquires=bool(flags & kf.KF_ACQUIRE),
        releases=bool(flags & kf.KF_RELEASE),
        may_be_null=None if is_refcount else bool(flags & kf.KF_RET_NULL),
        rcu_protected=bool(flags & kf.KF_RCU_PROTECTED),
        sleeps=bool(flags & kf.KF_SLEEPABLE),
        wants=_wants(load, function, flags),
        section=section,
        exists=exists,
    )


def _wants(load: Load, function: KernelFunction, flags: int) -> tuple[bool, ...]:
    """Which arguments must not be NULL: before 7.0 only those of kfuncs that want trusted or RCU pointers."""
    is_new = load.is_since(7, 0)
    if is_new is None or not (is_new or flags & (kf.KF_TRUSTED_ARGS | kf.KF_RCU | kf.KF_RELEASE)):
        return ()
    return tuple(
        isinstance(btf.skip_modifiers_and_typedefs(param.type), btf.Ptr) and not param.name.endswith(_NULLABLE)
        for param in function.prototype.params
    )


def is_of_section(name: str, loader: Loader) -> bool:
    """Whether extern ``name`` begins or ends a section."""
    return loader.target(name) in _SECTIONS


def touching(unit: Unit, loader: Loader) -> frozenset[str]:
    """Functions of ``unit`` that begin or end a section, themselves or by what they call."""
    uses = unit.uses_by_name.items()
    pending = [use.function for name, found in uses if is_of_section(name, loader) for use in found]
    those: set[str] = set()
    while pending:
        name = pending.pop()
        if name not in those and name in unit.functions:
            those.add(name)
            pending += [mention.function for mention in unit.functions[name].mentions]
    return frozenset(those)


def _result(returns: btf.Type) -> Result:
    bare = btf.skip_modifiers_and_typedefs(returns)
    if isinstance(bare, btf.Ptr):
        return Result.POINTER
    if isinstance(bare, btf.Int):
        if "bool" in bare.name.lower():
            return Result.FLAG
        return Result.NUMBER if "unsigned" in bare.name else Result.SIGNED
    return Result.FLAG if isinstance(bare, btf.Enum) else Result.OPAQUE


def _helper(name: str) -> Meaning:
    result = Result.NUMBER if name in _NUMBERS else Result.OPAQUE
    if name in POINTERS:
        result = Result.POINTER
    return Meaning(result=result, role=_HELPER_ROLES.get(name, Role.NONE), uses=True, keeps=False)


POINTERS = frozenset(
    """
    bpf_map_lookup_elem bpf_map_lookup_percpu_elem bpf_get_current_task_btf bpf_sk_storage_get bpf_task_storage_get
    bpf_inode_storage_get bpf_cgrp_storage_get bpf_ringbuf_reserve bpf_skc_lookup_tcp bpf_sk_lookup_tcp
    bpf_sk_lookup_udp bpf_sk_fullsock bpf_tcp_sock bpf_this_cpu_ptr bpf_per_cpu_ptr bpf_dynptr_data
    """.split()
)
"""Helpers that give a pointer, which may be known not to be NULL."""
