"""The kfuncs of a vmlinux.h, and declarations read back as they were printed."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.btf.cparse import parse_declaration
from kfunc_lsp.btf.types import FuncProto, Int, Type, Typedef
from kfunc_lsp.btf.vmlinux_h import btf_of_header
from kfunc_lsp.errors import BtfError, KfuncLspError
from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.kernel.targets import bundled, resolve

HEADER = """\
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef unsigned int __u32;

typedef __u32 u32;

typedef struct {
	int x;
} anon_t;

struct task_struct {
	int pid;
};

struct bpf_prog_aux {
	int x;
};

typedef int (*callback_t)(u32, void *);

extern void bpf_a(void) __weak __ksym;
extern void __bpf_e(void) __weak __ksym;
extern struct task_struct *bpf_b(const struct task_struct *p, u32 n__sz, callback_t cb) __weak __ksym;
extern int bpf_c(int (*less)(void *, const anon_t *), ...) __weak __ksym;
extern int bpf_d(struct only_named *x, u32 values[4]) __ksym;
extern int bpf_broken(struct bpf_prog_aux *aux) __weak __ksym;

#endif
"""


def test_prototypes_alone(tmp_path: Path) -> None:
    path = tmp_path / "vmlinux.h"
    path.write_text(HEADER)
    kernel = resolve(str(path))
    assert {f.name: prototype(f.name, f.prototype) for f in kernel.kfuncs()} == {
        "__bpf_e": "void __bpf_e(void);",
        "bpf_a": "void bpf_a(void);",
        "bpf_b": "struct task_struct *bpf_b(const struct task_struct *p, u32 n__sz, callback_t cb);",
        "bpf_c": "int bpf_c(int (*less)(void *, const anon_t *), ...);",
        "bpf_d": "int bpf_d(struct only_named *x, u32 values[4]);",
        "bpf_broken": "int bpf_broken(struct bpf_prog_aux *aux);",
    }
    assert kernel.functions["bpf_broken"].klass == FunctionClass.BROKEN
    assert not kernel.flags_known
    assert kernel.provenance.detail.startswith("prototypes alone")


@pytest.mark.parametrize("release", bundled())
def test_what_cdecl_prints_is_read_back(release: str) -> None:
    def typedef(name: str) -> Type:
        return Int("int")

    for function in resolve(release).functions.values():
        text = prototype(function.name, function.prototype)
        name, found = parse_declaration(text.removesuffix(";"), typedef, lambda keyword, name: True)
        assert isinstance(found, FuncProto)
        assert prototype(name, found) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("#define __VMLINUX_H__\n", "no kfunc prototypes"),
        ("extern gone_t f(void) __ksym;", "gone_t of a kfunc's prototype is not in it"),
        ("typedef a a;\nextern a f(void) __ksym;", "leads to itself"),
        ("extern int f(void __ksym;", "not one that bpftool prints"),
        ("extern int f(" + "(" * 200 + "*) __ksym;", "not one that bpftool prints"),
        ("typedef int b, a;\nextern a f(void) __ksym;", "not one that bpftool prints"),
    ],
)
def test_other_headers_are_one_error(text: str, message: str) -> None:
    with pytest.raises(BtfError, match=message):
        btf_of_header(text)


def test_a_typedef_of_a_typedef() -> None:
    name, found = parse_declaration("u32 x", lambda name: Typedef("__u32", Int("unsigned int")), lambda *_: True)
    assert (name, found) == ("x", Typedef("u32", Typedef("__u32", Int("unsigned int"))))


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(HEADER) - 1), st.characters(codec="ascii")), max_size=6),
    st.integers(1, len(HEADER)),
)
def test_a_damaged_header_gives_btf_or_an_error(changes: list[tuple[int, str]], keep: int) -> None:
    text = HEADER
    for at, char in changes:
        text = text[:at] + char + text[at + 1 :]
    for damaged in (text, text[:keep]):
        try:
            assert btf_of_header(damaged)
        except KfuncLspError as error:
            assert str(error)  # noqa: PT017 - either outcome is right
