"""Who may call what: by registration, by filter, and what is not known."""

from __future__ import annotations

import json
import lzma
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.filters import lets_through
from kfunc_lsp.kernel.hooks import Access, Answer, Caller, allowed
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.pack import read_pack, write_pack
from kfunc_lsp.kernel.program_types import hook_of, program_type_name, program_type_number
from kfunc_lsp.kernel.sections import section_program
from kfunc_lsp.kernel.targets import bundled, resolve
from tests.programs import SHARED

TYPE = "BPF_PROG_TYPE_"
MATRIX = SHARED / "data" / "matrix"
PACKS = Path(__file__).parents[2] / "kfunc_lsp" / "data" / "kernels"
SECTIONS = SHARED / "data" / "facts" / "sec_defs.json"


@cache
def kernel(release: str) -> Kernel:
    return resolve(release)


def ask(release: str, name: str, kind: str, **words: str) -> Answer:
    k = kernel(release)
    return allowed(k, k.functions[name], Caller(TYPE + kind, **words))


@pytest.mark.parametrize(
    ("release", "name", "kind", "access"),
    [
        ("7.3", "bpf_rcu_read_lock", "SK_LOOKUP", Access.ALLOWED),
        ("7.3", "bpf_xdp_get_xfrm_state", "XDP", Access.ALLOWED),
        ("7.3", "bpf_xdp_get_xfrm_state", "SCHED_CLS", Access.DENIED),
        ("7.3", "bpf_task_from_pid", "TRACEPOINT", Access.ALLOWED),
        ("7.3", "bpf_task_from_pid", "RAW_TRACEPOINT", Access.ALLOWED),
        ("6.18", "bpf_task_from_pid", "RAW_TRACEPOINT", Access.DENIED),
        ("6.12", "bpf_cgroup_from_id", "CGROUP_SKB", Access.ALLOWED),
        ("6.12", "bpf_cgroup_from_id", "SOCK_OPS", Access.UNKNOWN),
        ("6.18", "bpf_cgroup_from_id", "SOCK_OPS", Access.ALLOWED),
        ("7.3", "bpf_cgroup_from_id", "EXT", Access.UNKNOWN),
        ("7.3", "bpf_cgroup_from_id", "NO_SUCH_TYPE", Access.UNKNOWN),
        ("7.3", "bpf_fentry_test1", "XDP", Access.DENIED),
        ("7.3", "scx_bpf_kick_cpu", "STRUCT_OPS", Access.FILTERED),
        ("7.3", "scx_bpf_cpu_to_cid", "STRUCT_OPS", Access.FILTERED),
        ("7.3", "scx_bpf_kick_cpu", "XDP", Access.DENIED),
    ],
)
def test_by_registration(release: str, name: str, kind: str, access: Access) -> None:
    assert ask(release, name, kind).access == access


def test_a_filter_is_named_and_explained() -> None:
    answer = ask("7.3", "bpf_sock_destroy", "TRACING", attach_type="BPF_TRACE_FENTRY")
    assert answer.filter is not None
    assert (answer.access, answer.filter.name, answer.passes) == (Access.FILTERED, "tracing_iter_filter", False)
    assert ask("7.3", "bpf_sock_destroy", "TRACING").passes is None
    words = {"struct_ops": "sched_ext_ops"}
    assert ask("7.3", "scx_bpf_create_dsq", "STRUCT_OPS", operation="init", **words).passes
    assert ask("7.3", "scx_bpf_create_dsq", "STRUCT_OPS", operation="enqueue", **words).passes is False
    assert ask("7.3", "scx_bpf_create_dsq", "STRUCT_OPS", struct_ops="tcp_congestion_ops").passes is False
    assert ask("7.3", "scx_bpf_create_dsq", "STRUCT_OPS").passes is None
    assert ask("7.3", "bpf_get_file_xattr", "LSM").passes
    assert not ask("7.3", "bpf_ksock_send", "LSM", operation="socket_sendmsg").passes
    assert lets_through("bpf_no_such", TYPE + "XDP") is None


def test_facts_of_another_kernel_are_marked(tmp_path: Path) -> None:
    pack = read_pack((PACKS / "7.3.4+deb13.kpack").read_bytes())
    silent = replace(pack, meta=replace(pack.meta, release="7.2.99"), registrations=None)
    (tmp_path / "k.kpack").write_bytes(write_pack(silent))
    k = resolve(str(tmp_path / "k.kpack"))
    assert k.hooks_of == "7.2.12+deb13"
    assert "7.2.12+deb13" in k.provenance.detail
    assert allowed(k, k.functions["bpf_xdp_get_xfrm_state"], Caller(TYPE + "SCHED_CLS")).access == Access.DENIED
    assert k.functions["bpf_icmp_send"].hooks is None
    assert allowed(k, k.functions["bpf_icmp_send"], Caller(TYPE + "XDP")).access == Access.UNKNOWN


def test_every_bundled_kernel_tells_its_own() -> None:
    assert [release for release in bundled() if kernel(release).hooks_of] == []


def test_program_types() -> None:
    assert program_type_number("BPF_PROG_TYPE_NETFILTER") == program_type_number("netfilter") == 32
    assert program_type_name(31) == "BPF_PROG_TYPE_SYSCALL"
    assert program_type_name(77) == "BPF_PROG_TYPE_77"
    assert (hook_of(0), hook_of(6), hook_of(-1), hook_of(77)) == ("COMMON", "XDP", "FMODRET", "77")


@pytest.mark.parametrize(
    ("section", "program_type", "attach_type", "sleepable"),
    [
        ("xdp", "XDP", "BPF_XDP", False),
        ("?xdp", "XDP", "BPF_XDP", False),
        ("fentry.s/do_unlinkat", "TRACING", "BPF_TRACE_FENTRY", True),
        ("fentry", "TRACING", "BPF_TRACE_FENTRY", False),
        ("struct_ops.s/init", "STRUCT_OPS", "", True),
        ("kprobe.session/x", "KPROBE", "BPF_TRACE_KPROBE_SESSION", False),
        ("sk_reuseport/migrate", "SK_REUSEPORT", "BPF_SK_REUSEPORT_SELECT_OR_MIGRATE", False),
        ("syscall", "SYSCALL", "", True),
        ("cgroup/connect_unix", "CGROUP_SOCK_ADDR", "BPF_CGROUP_UNIX_CONNECT", False),
        ("raw_tp.w/x", "RAW_TRACEPOINT_WRITABLE", "", False),
    ],
)
def test_sections(section: str, program_type: str, attach_type: str, sleepable: bool) -> None:
    found = section_program(section)
    assert found is not None
    assert (found.program_type, found.attach_type, found.sleepable) == (TYPE + program_type, attach_type, sleepable)
    assert found.autoload == (not section.startswith("?"))


@pytest.mark.parametrize("section", ["", "xdp/foo", "fentryx", "fentry.s.s", "license", ".text", "??xdp", "tc/x"])
def test_sections_that_libbpf_does_not_know(section: str) -> None:
    assert section_program(section) is None


def test_what_follows_the_slash() -> None:
    found = section_program("struct_ops/my_init")
    assert found is not None
    assert (found.row, found.rest, found.later) == ("struct_ops+", "my_init", False)
    later = section_program("fsession/x")
    assert later is not None
    assert later.later


@pytest.mark.slow
@pytest.mark.skipif(not SECTIONS.exists(), reason="needs libbpf's table")
def test_the_table_is_libbpfs() -> None:
    facts = json.loads(SECTIONS.read_text())
    assert len(facts["7.3"]) == 116
    earlier = {row["sec"] for row in facts["6.12"]}
    for row in facts["7.3"]:
        found = section_program(row["sec"].removesuffix("+"))
        assert found is not None
        assert found.row == row["sec"]
        assert (found.program_type, found.attach_type or None) == (row["prog"], row["attach"])
        assert (found.sleepable, found.later) == (row["sleepable"], row["sec"] not in earlier)


PROGRAMS = {"lsm.s": "LSM", "lsm_cgroup": "LSM"}
ATTACH = {
    "tracing:fsession": "BPF_TRACE_FSESSION",
    "tracing:iter": "BPF_TRACE_ITER",
    "tracing:iter.s": "BPF_TRACE_ITER",
    "kprobe.session": "BPF_TRACE_KPROBE_SESSION",
    "uprobe.session": "BPF_TRACE_UPROBE_SESSION",
}


def program(kind: str) -> tuple[str, dict[str, str]]:
    """The program type and the further words for a kind of the matrix."""
    head, _, rest = kind.partition(":")
    if head == "struct_ops":
        struct_ops, _, operation = rest.partition(".")
        return TYPE + "STRUCT_OPS", {"struct_ops": struct_ops, "operation": operation}
    if ".multi" in head or ".session" in head:
        return TYPE + "KPROBE", {"attach_type": ATTACH.get(kind, "BPF_TRACE_KPROBE_MULTI")}
    name = PROGRAMS.get(head, head.upper())
    return TYPE + name, {"attach_type": ATTACH.get(kind, "other"), "operation": "other"}


@pytest.mark.slow
@pytest.mark.skipif(not MATRIX.is_dir(), reason="needs the answers of real kernels")
@pytest.mark.parametrize("release", ["6.18.15", "7.0.13", "7.3.4"])
def test_every_kind_of_program_on_real_kernels(release: str) -> None:
    facts: dict[str, Any] = json.loads(lzma.decompress((MATRIX / f"{release}.json.xz").read_bytes()))["kinds"]
    k = kernel(release)
    judged = 0
    for kind, verdicts in facts.items():
        program_type, words = program(kind)
        for verdict in ("allowed", "denied"):
            for name in verdicts[verdict]:
                function = k.get(name)
                if function is None or (function.hooks is None and not function.callable):
                    assert verdict == "denied", (kind, name)
                    continue
                answer = allowed(k, function, Caller(program_type, **words))
                judged += 1
                expected = (Access.ALLOWED if verdict == "allowed" else Access.DENIED, Access.FILTERED)
                assert answer.access in expected, (kind, name, answer)
                assert answer.passes in (None, verdict == "allowed"), (kind, name, answer)
    assert judged > 23000
