"""Kfuncs that have had another name, and kfuncs of modules: facts from the BTF and the headers of releases."""

from __future__ import annotations

_IMPLICIT = """
bpf_wq_set_callback bpf_stream_vprintk bpf_task_work_schedule_signal bpf_task_work_schedule_resume bpf_obj_new
bpf_obj_drop bpf_percpu_obj_new bpf_percpu_obj_drop bpf_refcount_acquire bpf_list_push_front bpf_list_push_back
bpf_rbtree_add
""".split()
"""Called under this name with ``_impl`` behind it, and one or two more arguments, before 7.0 or 7.1."""

_RENAMED = {
    "bpf_cpumask_any": "bpf_cpumask_any_distribute",
    "bpf_cpumask_any_and": "bpf_cpumask_any_and_distribute",
    "bpf_task_acquire_not_zero": "bpf_task_acquire",
    "cgroup_rstat_flush": "css_rstat_flush",
    "cgroup_rstat_updated": "css_rstat_updated",
    "cubictcp_cwnd_event": "cubictcp_cwnd_event_tx_start",
    "dctcp_cwnd_event": "dctcp_cwnd_event_tx_start",
    "bbr_cwnd_event": "bbr_cwnd_event_tx_start",
    "scx_bpf_consume": "scx_bpf_dsq_move_to_local",
    "scx_bpf_dispatch": "scx_bpf_dsq_insert",
    "scx_bpf_dispatch_from_dsq": "scx_bpf_dsq_move",
    "scx_bpf_dispatch_from_dsq_set_slice": "scx_bpf_dsq_move_set_slice",
    "scx_bpf_dispatch_from_dsq_set_vtime": "scx_bpf_dsq_move_set_vtime",
    "scx_bpf_dispatch_vtime": "scx_bpf_dsq_insert_vtime",
    "scx_bpf_dispatch_vtime_from_dsq": "scx_bpf_dsq_move_vtime",
}
"""By the older name the newer."""

_PAIRS = [(f"{name}_impl", name) for name in _IMPLICIT] + list(_RENAMED.items())
_NEWER = dict(_PAIRS)
_OLDER = {newer: older for older, newer in _PAIRS}

_MODULES = {
    "fou": "bpf_skb_get_fou_encap bpf_skb_set_fou_encap",
    "nf_conntrack": "bpf_ct_change_status bpf_ct_change_timeout bpf_ct_insert_entry bpf_ct_release bpf_ct_set_status "
    "bpf_ct_set_timeout bpf_skb_ct_alloc bpf_skb_ct_lookup bpf_xdp_ct_alloc bpf_xdp_ct_lookup",
    "nf_flow_table": "bpf_xdp_flow_lookup",
    "nf_nat": "bpf_ct_set_nat_info",
    "tcp_bbr": "bbr_cwnd_event bbr_cwnd_event_tx_start bbr_init bbr_main bbr_min_tso_segs bbr_set_state "
    "bbr_sndbuf_expand bbr_ssthresh bbr_undo_cwnd",
    "tcp_dctcp": "dctcp_cwnd_event dctcp_cwnd_event_tx_start dctcp_cwnd_undo dctcp_init dctcp_ssthresh dctcp_state "
    "dctcp_update_alpha",
    "xfrm_interface": "bpf_skb_get_xfrm_info bpf_skb_set_xfrm_info",
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names.split()}

_TEST_MODULE = "bpf_testmod"
_TEST_PREFIXES = ("bpf_kfunc_", "bpf_testmod_", "bpf_iter_testmod_", "bpf_test_modorder_")
"""What the module of the kernel's own tests calls its kfuncs."""


def other_names(name: str) -> tuple[str, ...]:
    """What the kfunc is called in other releases: the newer name first."""
    return tuple(other for other in (_NEWER.get(name), _OLDER.get(name)) if other)


def is_newer(name: str, other: str) -> bool:
    """Whether ``name`` is the one that newer releases have, of two names of a kfunc."""
    return _NEWER.get(other) == name or f"{name}_impl" == other


def module_of(name: str) -> str | None:
    """The module that brings the kfunc where it is not built in; ``None`` where none is known to."""
    return _TEST_MODULE if name.startswith(_TEST_PREFIXES) else _MODULE_OF.get(name)
