"""Section names to program types: what libbpf makes of ``SEC("…")``.

The rows are facts of ``section_defs`` in libbpf of Linux 7.3 (the same in 7.2; the rows marked ``later`` are not
in that of 6.12), in libbpf's order, and names are matched as ``sec_def_matches`` does. What a program of a type
may call is ``hooks``' business.
"""

from __future__ import annotations

from functools import cache, lru_cache

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.hooks import Caller
from kfunc_lsp.kernel.program_types import PREFIX

SOURCE = "libbpf of Linux 7.3"

_ATTACH_PREFIX = "BPF_"
_NO_ATTACH_TYPE = "BPF_CGROUP_INET_INGRESS"
"""The attach type of number 0, which a program has where libbpf sets none."""

_ROWS = """
socket SOCKET_FILTER - - -
sk_reuseport/migrate SK_REUSEPORT SK_REUSEPORT_SELECT_OR_MIGRATE - -
sk_reuseport SK_REUSEPORT SK_REUSEPORT_SELECT - -
kprobe+ KPROBE - - -
uprobe+ KPROBE - - -
uprobe.s+ KPROBE - sleepable -
kretprobe+ KPROBE - - -
uretprobe+ KPROBE - - -
uretprobe.s+ KPROBE - sleepable -
kprobe.multi+ KPROBE TRACE_KPROBE_MULTI - -
kretprobe.multi+ KPROBE TRACE_KPROBE_MULTI - -
kprobe.session+ KPROBE TRACE_KPROBE_SESSION - -
uprobe.multi+ KPROBE TRACE_UPROBE_MULTI - -
uretprobe.multi+ KPROBE TRACE_UPROBE_MULTI - -
uprobe.session+ KPROBE TRACE_UPROBE_SESSION - later
uprobe.multi.s+ KPROBE TRACE_UPROBE_MULTI sleepable -
uretprobe.multi.s+ KPROBE TRACE_UPROBE_MULTI sleepable -
uprobe.session.s+ KPROBE TRACE_UPROBE_SESSION sleepable later
ksyscall+ KPROBE - - -
kretsyscall+ KPROBE - - -
usdt+ KPROBE - - -
usdt.s+ KPROBE - sleepable -
tc/ingress SCHED_CLS TCX_INGRESS - -
tc/egress SCHED_CLS TCX_EGRESS - -
tcx/ingress SCHED_CLS TCX_INGRESS - -
tcx/egress SCHED_CLS TCX_EGRESS - -
tc SCHED_CLS - - -
classifier SCHED_CLS - - -
action SCHED_ACT - - -
netkit/primary SCHED_CLS NETKIT_PRIMARY - -
netkit/peer SCHED_CLS NETKIT_PEER - -
tracepoint+ TRACEPOINT - - -
tp+ TRACEPOINT - - -
tracepoint.s+ TRACEPOINT - sleepable later
tp.s+ TRACEPOINT - sleepable later
raw_tracepoint+ RAW_TRACEPOINT - - -
raw_tp+ RAW_TRACEPOINT - - -
raw_tracepoint.s+ RAW_TRACEPOINT - sleepable later
raw_tp.s+ RAW_TRACEPOINT - sleepable later
raw_tracepoint.w+ RAW_TRACEPOINT_WRITABLE - - -
raw_tp.w+ RAW_TRACEPOINT_WRITABLE - - -
tp_btf+ TRACING TRACE_RAW_TP - -
tp_btf.s+ TRACING TRACE_RAW_TP sleepable later
fentry+ TRACING TRACE_FENTRY - -
fmod_ret+ TRACING MODIFY_RETURN - -
fexit+ TRACING TRACE_FEXIT - -
fentry.s+ TRACING TRACE_FENTRY sleepable -
fmod_ret.s+ TRACING MODIFY_RETURN sleepable -
fexit.s+ TRACING TRACE_FEXIT sleepable -
fsession+ TRACING TRACE_FSESSION - later
fsession.s+ TRACING TRACE_FSESSION sleepable later
fsession.multi+ TRACING TRACE_FSESSION_MULTI - later
fsession.multi.s+ TRACING TRACE_FSESSION_MULTI sleepable later
fentry.multi+ TRACING TRACE_FENTRY_MULTI - later
fexit.multi+ TRACING TRACE_FEXIT_MULTI - later
fentry.multi.s+ TRACING TRACE_FENTRY_MULTI sleepable later
fexit.multi.s+ TRACING TRACE_FEXIT_MULTI sleepable later
freplace+ EXT - - -
lsm+ LSM LSM_MAC - -
lsm.s+ LSM LSM_MAC sleepable -
lsm_cgroup+ LSM LSM_CGROUP - -
iter+ TRACING TRACE_ITER - -
iter.s+ TRACING TRACE_ITER sleepable -
syscall SYSCALL - sleepable -
xdp.frags/devmap XDP XDP_DEVMAP - -
xdp/devmap XDP XDP_DEVMAP - -
xdp.frags/cpumap XDP XDP_CPUMAP - -
xdp/cpumap XDP XDP_CPUMAP - -
xdp.frags XDP XDP - -
xdp XDP XDP - -
perf_event PERF_EVENT - - -
lwt_in LWT_IN - - -
lwt_out LWT_OUT - - -
lwt_xmit LWT_XMIT - - -
lwt_seg6local LWT_SEG6LOCAL - - -
sockops SOCK_OPS CGROUP_SOCK_OPS - -
sk_skb/stream_parser SK_SKB SK_SKB_STREAM_PARSER - -
sk_skb/stream_verdict SK_SKB SK_SKB_STREAM_VERDICT - -
sk_skb/verdict SK_SKB SK_SKB_VERDICT - -
sk_skb SK_SKB - - -
sk_msg SK_MSG SK_MSG_VERDICT - -
lirc_mode2 LIRC_MODE2 LIRC_MODE2 - -
flow_dissector FLOW_DISSECTOR FLOW_DISSECTOR - -
cgroup_skb/ingress CGROUP_SKB CGROUP_INET_INGRESS - -
cgroup_skb/egress CGROUP_SKB CGROUP_INET_EGRESS - -
cgroup/skb CGROUP_SKB - - -
cgroup/sock_create CGROUP_SOCK CGROUP_INET_SOCK_CREATE - -
cgroup/sock_release CGROUP_SOCK CGROUP_INET_SOCK_RELEASE - -
cgroup/sock CGROUP_SOCK CGROUP_INET_SOCK_CREATE - -
cgroup/post_bind4 CGROUP_SOCK CGROUP_INET4_POST_BIND - -
cgroup/post_bind6 CGROUP_SOCK CGROUP_INET6_POST_BIND - -
cgroup/bind4 CGROUP_SOCK_ADDR CGROUP_INET4_BIND - -
cgroup/bind6 CGROUP_SOCK_ADDR CGROUP_INET6_BIND - -
cgroup/connect4 CGROUP_SOCK_ADDR CGROUP_INET4_CONNECT - -
cgroup/connect6 CGROUP_SOCK_ADDR CGROUP_INET6_CONNECT - -
cgroup/connect_unix CGROUP_SOCK_ADDR CGROUP_UNIX_CONNECT - -
cgroup/sendmsg4 CGROUP_SOCK_ADDR CGROUP_UDP4_SENDMSG - -
cgroup/sendmsg6 CGROUP_SOCK_ADDR CGROUP_UDP6_SENDMSG - -
cgroup/sendmsg_unix CGROUP_SOCK_ADDR CGROUP_UNIX_SENDMSG - -
cgroup/recvmsg4 CGROUP_SOCK_ADDR CGROUP_UDP4_RECVMSG - -
cgroup/recvmsg6 CGROUP_SOCK_ADDR CGROUP_UDP6_RECVMSG - -
cgroup/recvmsg_unix CGROUP_SOCK_ADDR CGROUP_UNIX_RECVMSG - -
cgroup/getpeername4 CGROUP_SOCK_ADDR CGROUP_INET4_GETPEERNAME - -
cgroup/getpeername6 CGROUP_SOCK_ADDR CGROUP_INET6_GETPEERNAME - -
cgroup/getpeername_unix CGROUP_SOCK_ADDR CGROUP_UNIX_GETPEERNAME - -
cgroup/getsockname4 CGROUP_SOCK_ADDR CGROUP_INET4_GETSOCKNAME - -
cgroup/getsockname6 CGROUP_SOCK_ADDR CGROUP_INET6_GETSOCKNAME - -
cgroup/getsockname_unix CGROUP_SOCK_ADDR CGROUP_UNIX_GETSOCKNAME - -
cgroup/sysctl CGROUP_SYSCTL CGROUP_SYSCTL - -
cgroup/getsockopt CGROUP_SOCKOPT CGROUP_GETSOCKOPT - -
cgroup/setsockopt CGROUP_SOCKOPT CGROUP_SETSOCKOPT - -
cgroup/dev CGROUP_DEVICE CGROUP_DEVICE - -
struct_ops+ STRUCT_OPS - - -
struct_ops.s+ STRUCT_OPS - sleepable -
sk_lookup SK_LOOKUP SK_LOOKUP - -
netfilter NETFILTER NETFILTER - -
"""
"""Name (a final ``+`` means "or followed by ``/``"), program type, attach type, sleepable, newer than 6.12."""


@dataclass(frozen=True, slots=True)
class SectionProgram:
    """What libbpf makes of a program in a section.

    ``row`` is libbpf's own spelling of the section, ``rest`` what follows the slash after it (an attach
    target, a ``struct_ops`` member). ``program_type`` and ``attach_type`` are the kernel's names, the latter
    empty where libbpf leaves it to the kernel. ``autoload`` is false where the name begins with ``?``;
    ``later`` says that libbpf of Linux 6.12 does not know the section.
    """

    row: str
    rest: str
    program_type: str
    attach_type: str
    sleepable: bool
    autoload: bool
    later: bool

    def caller(self, struct_ops: str = "", operation: str = "") -> Caller:
        """What the kernel can tell of such a program, which implements ``operation`` of ``struct_ops``."""
        return Caller(self.program_type, self.attach_type or _NO_ATTACH_TYPE, struct_ops, operation)


@dataclass(frozen=True, slots=True)
class _Row:
    section: str
    program_type: str
    attach_type: str
    sleepable: bool
    later: bool


@cache
def rows() -> tuple[_Row, ...]:
    """The table, in libbpf's order: the first row that matches counts."""
    parsed = []
    for line in _ROWS.split("\n")[1:-1]:
        section, program_type, attach_type, sleepable, later = line.split(" ")
        attach = "" if attach_type == "-" else _ATTACH_PREFIX + attach_type
        parsed.append(_Row(section, PREFIX + program_type, attach, sleepable != "-", later != "-"))
    return tuple(parsed)


@lru_cache(maxsize=1024)
def section_program(name: str) -> SectionProgram | None:
    """What libbpf makes of ``SEC(name)``; ``None`` where it does not know the name (a subprogram's, or wrong)."""
    bare = name.removeprefix("?")
    for row in rows():
        stem = row.section.removesuffix("+")
        rest = bare.removeprefix(stem)
        exact = bare == stem
        if exact or (stem != row.section and bare.startswith(stem) and rest.startswith("/")):
            return SectionProgram(
                row.section,
                rest.removeprefix("/"),
                row.program_type,
                row.attach_type,
                row.sleepable,
                bare == name,
                row.later,
            )
    return None
