"""Loaders other than today's libbpf: what they refuse, pass over, and say."""

from __future__ import annotations

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.loader import LIBBPF, LOADERS, LoaderNameError, loader_named
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.model import Severity
from tests.programs import unit

HEAD = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = "GPL";\n'
BODY = "{ struct task_struct *t = f(bpf_get_current_task_btf()); if (t) bpf_task_release(t); }"
RELEASE = "extern void bpf_task_release(struct task_struct *p) __ksym;\n"
PROGRAM = 'SEC("tp_btf/task_newtask") int p(void *ctx)\n{ GUARD BODY return 0; }\n'


def said(
    loader: str, name: str, parameter: str = "struct task_struct *p", guard: bool = False, attr: str = ""
) -> set[str]:
    """What each error foresees, by who says it, for a call of ``name`` declared with ``parameter``."""
    extern = f"extern struct task_struct *{name}({parameter}) {attr}__ksym;\n"
    program = PROGRAM.replace("BODY", BODY.replace("f(", f"{name}("))
    text = HEAD + RELEASE + extern + program.replace("GUARD", f"if (bpf_ksym_exists({name}))" if guard else "")
    kernels = [resolve("7.3")]
    findings = check(unit(text, known_names(kernels)), kernels, loader_named(loader))
    return {f"{p.speaker}: {p.message}" for f in findings if f.severity is Severity.ERROR for p in f.predictions}


MISFIT = "extern (func ksym) 'bpf_task_acquire': func_proto [..] incompatible with"
FLAVOR = "extern (func ksym) 'bpf_task_acquire___mine': not found in kernel or module BTFs"
NOT_ELIMINATED = "the kernel: invalid kernel function call not eliminated in verifier pass"


@pytest.mark.parametrize(
    ("loader", "misfit", "weak_misfit", "flavor", "weak_missing"),
    [
        (
            "libbpf",
            {f"libbpf: {MISFIT} vmlinux [..]"},
            set(),
            set(),
            {"the kernel: kfunc 'bpf_task_none' is referenced but wasn't resolved"},
        ),
        (
            "libbpf-1.2",
            {f"libbpf: {MISFIT} vmlinux [..]"},
            {f"libbpf: {MISFIT} vmlinux [..]"},
            {f"libbpf: {FLAVOR}"},
            {"the kernel: kfunc 'bpf_task_none' is referenced but wasn't resolved"},
        ),
        (
            "libbpf-1.1.2",
            {f"libbpf: {MISFIT} kernel [..]"},
            {f"libbpf: {MISFIT} kernel [..]"},
            {f"libbpf: {FLAVOR}"},
            {NOT_ELIMINATED},
        ),
        ("light-skeleton", set(), set(), {"the light skeleton: error returned by loader prog"}, {NOT_ELIMINATED}),
        (
            "cilium-ebpf",
            {'cilium/ebpf: kfunc "bpf_task_acquire": [..]'},
            {'cilium/ebpf: kfunc "bpf_task_acquire": [..]'},
            {'cilium/ebpf: kfunc "bpf_task_acquire___mine": not supported'},
            {"the kernel: invalid func unknown#[..]"},
        ),
    ],
)
def test_loaders_differ(
    loader: str, misfit: set[str], weak_misfit: set[str], flavor: set[str], weak_missing: set[str]
) -> None:
    assert said(loader, "bpf_task_acquire") == set()
    assert said(loader, "bpf_task_acquire", "void *p") == misfit
    assert said(loader, "bpf_task_acquire", "void *p", guard=True, attr="__weak ") == weak_misfit
    assert said(loader, "bpf_task_acquire___mine") == flavor
    assert said(loader, "bpf_task_none", attr="__weak ") == weak_missing
    assert said(loader, "bpf_task_none", guard=True, attr="__weak ") == set()


def test_only_names_that_are_loaders_are_taken() -> None:
    assert loader_named("libbpf-1.3") is loader_named("libbpf-v1.8.0") is LOADERS["libbpf"] is LIBBPF
    for name in ("", "libbpf-", "libbpf-1", "libbpf 1.1", "aya", "libbpf-1.3-rc1"):
        with pytest.raises(LoaderNameError, match="there are libbpf, light-skeleton, cilium-ebpf"):
            loader_named(name)


def test_a_loader_that_knows_no_flavors_takes_a_name_for_what_it_is() -> None:
    text = (
        HEAD
        + RELEASE.replace("(", "___mine(", 1)
        + PROGRAM.replace("BODY", "bpf_task_release___mine((void *)0);").replace("GUARD", "")
    )
    kernels = [resolve("7.3")]
    read = unit(text, known_names(kernels))
    for loader, rule in (("libbpf", "null-not-allowed"), ("libbpf-1.1", "missing-kfunc")):
        assert [f.rule.name for f in check(read, kernels, loader_named(loader))] == [rule]
