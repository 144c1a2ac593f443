"""Every kfunc called from every kind of program, as real kernels judged it: the rules say the same of each pair."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from typing import Any

import pytest

from kfunc_lsp.check import check
from kfunc_lsp.kernel.header import kernel_header
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.model import Severity
from tests.programs import SHARED, unit

MATRIX = SHARED / "data" / "matrix"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MATRIX.is_dir(), reason="needs the answers of real kernels"),
]

SECTIONS = {
    "socket_filter": "socket",
    "sched_cls": "tc",
    "sched_act": "action",
    "cgroup_skb": "cgroup_skb/egress",
    "cgroup_sock": "cgroup/sock_create",
    "sock_ops": "sockops",
    "cgroup_device": "cgroup/dev",
    "raw_tracepoint": "raw_tp/x",
    "raw_tracepoint_writable": "raw_tp.w/x",
    "cgroup_sock_addr:connect4": "cgroup/connect4",
    "cgroup_sock_addr:connect_unix": "cgroup/connect_unix",
    "cgroup_sysctl": "cgroup/sysctl",
    "cgroup_sockopt": "cgroup/getsockopt",
}
"""Sections of the kinds that are not called by their section."""


def section_of(kind: str) -> str:
    """The ``SEC`` of a kind of program."""
    if kind.startswith("struct_ops:"):
        return "struct_ops/p"
    if kind.startswith("lsm"):
        return f"{kind}/file_open"
    return SECTIONS.get(kind) or kind.removeprefix("tracing:")


def program(kind: str, calls: list[str]) -> str:
    """A program that makes each of ``calls`` in a function of its own, each in a line of its own."""
    lines = [f'SEC("{section_of(kind)}") int p{i}(void *ctx) {{ {call}; return 0; }}' for i, call in enumerate(calls)]
    if kind.startswith("struct_ops:"):
        struct, member = kind.removeprefix("struct_ops:").split(".")
        for i in range(len(calls)):
            lines[i] += f' SEC(".struct_ops") struct {struct} ops{i} = {{ .{member} = (void *)p{i} }};'
    return "\n".join(lines)


RULES = {"denied": "not-allowed-in-program-type", "needs_sleepable": "sleepable-in-non-sleepable", "allowed": ""}
"""What a rule says for each answer. What rules say of the arguments was not asked."""


def answers(kernel_name: str) -> Iterator[tuple[str, str, str, str]]:
    """(kind, function, the kernel's answer, ours) for every pair that the kernel judged."""
    facts: dict[str, Any] = json.loads(lzma.decompress((MATRIX / f"{kernel_name}.json.xz").read_bytes()))["kinds"]
    kernel = resolve(kernel_name)
    callable_ = {f.name for f in kernel.kfuncs() if f.callable}
    names = sorted(callable_)
    header = kernel_header(kernel)
    calls = []
    for name in names:
        arguments = ", ".join("n" for _ in kernel.functions[name].prototype.params)
        calls.append(f"{name}___kernel({arguments})" if "___" in name else f"{name}({arguments})")
    head = '#include <bpf/bpf_helpers.h>\n#include "kfuncs.h"\nchar LICENSE[] SEC("license") = "GPL"; long n;\n'
    for kind, verdicts in facts.items():
        if "blocked" in verdicts:
            continue
        text = head + program(kind, calls)
        said = {}
        for finding in check(unit(text, callable_, {"kfuncs.h": header}), [kernel]):
            if finding.severity is Severity.ERROR and finding.rule.name in RULES.values():
                line = finding.span.file.position(finding.span.start)[0]
                said[names[line - head.count("\n")]] = finding.rule.name
        for verdict in ("denied", "needs_sleepable", "allowed"):
            for name in verdicts[verdict]:
                if name in callable_ and not (verdict == "allowed" and name in verdicts["needs_sleepable"]):
                    yield kind, name, verdict, said.get(name, "")


@pytest.mark.parametrize(("kernel_name", "pairs"), [("6.18.15", 23_424), ("7.0.13", 26_068), ("7.3.4", 31_827)])
def test_the_rules_say_what_the_kernel_says(kernel_name: str, pairs: int) -> None:
    judged = 0
    wrong = []
    for kind, name, verdict, said in answers(kernel_name):
        judged += 1
        if said != RULES[verdict]:
            wrong.append((kind, name, verdict, said))
    assert not wrong
    assert judged == pairs
