from __future__ import annotations

import pytest

from kfunc_lsp.describe import Description, Signature, call_signature, describe, newest, signature
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import resolve


@pytest.fixture(scope="module")
def kernels() -> list[Kernel]:
    return [resolve(name) for name in ("6.18", "7.3", "7.0")]


def _describe(name: str, kernels: list[Kernel]) -> Description:
    found = describe(name, kernels)
    assert found is not None
    return found


def test_the_newest_kernel_that_has_it_speaks(kernels: list[Kernel]) -> None:
    assert _describe("bpf_wq_set_callback", kernels).kernel == "7.3"
    assert _describe("bpf_wq_set_callback", kernels[::-1]).kernel == "7.3"
    found = newest("bpf_wq_set_callback", kernels[:1])
    assert found is None


def test_both_forms_of_one_with_implicit_arguments(kernels: list[Kernel]) -> None:
    found = _describe("bpf_wq_set_callback", kernels)
    visible, impl = found.forms
    assert (visible.purpose, visible.signature.supplied) == ("what you call", 0)
    assert (impl.purpose, impl.signature.supplied) == ("in BTF only: never call", 1)
    assert impl.signature.params[-1] == "struct bpf_prog_aux *aux"
    assert impl.signature.params[:-1] == visible.signature.params
    assert found.callable
    assert found.advice == ""


def test_an_impl_in_btf_only_says_what_to_call(kernels: list[Kernel]) -> None:
    found = _describe("bpf_wq_set_callback_impl", kernels)
    assert not found.callable
    assert found.advice == "never call it; call `bpf_wq_set_callback`"
    assert [form.purpose for form in found.forms] == ["call this", "in BTF only: never call"]
    assert not found.has_flags


def test_the_older_form_stays_callable(kernels: list[Kernel]) -> None:
    assert _describe("bpf_obj_new", kernels).forms[1].purpose == "the older form, still callable"
    found = _describe("bpf_obj_new_impl", kernels)
    assert found.callable
    assert found.flags is not None
    assert [flag.name for flag in found.flags] == ["KF_ACQUIRE", "KF_RET_NULL"]
    assert [form.signature.supplied for form in found.forms] == [0, 0]


def test_how_each_kernel_stands(kernels: list[Kernel]) -> None:
    standings = {s.kernels: s.words for s in _describe("bpf_wq_set_callback", kernels).standings}
    assert standings == {
        ("6.18",): "absent; `bpf_wq_set_callback_impl` is the kfunc there",
        ("7.3", "7.0"): "as above",
    }
    assert _describe("bpf_wq_set_callback", kernels[1:2]).standings == ()


def test_a_flavor_and_a_name_that_nobody_has(kernels: list[Kernel]) -> None:
    found = _describe("bpf_wq_init___new", kernels)
    assert (found.name, found.written) == ("bpf_wq_init", "bpf_wq_init___new")
    assert describe("printk", kernels) is None
    assert describe("", kernels) is None


def test_every_function_can_be_described_and_called_by_its_signature(kernels: list[Kernel]) -> None:
    for kernel in kernels:
        for name, function in kernel.functions.items():
            found = _describe(name, [kernel])
            assert found.klass == function.klass.words
            shape = call_signature(function, kernel)
            assert [shape.text[start:end] for start, end in shape.offsets()] == list(shape.params)
            assert signature(name, function.prototype).text.count(f"{name}(") == 1


def test_wide_prototypes_are_broken_and_nothing_is_lost() -> None:
    shape = Signature("int f(", tuple(f"unsigned long parameter_{n}" for n in range(6)), ")", supplied=1)
    text = shape.declaration("the verifier passes this")
    assert max(map(len, text.splitlines())) <= 90
    assert " ".join(text.split()) == (shape.text.removesuffix(")") + " /* the verifier passes this */);")
    assert all(line.startswith(" " * 6) for line in text.splitlines()[1:])


def test_no_parameters() -> None:
    assert Signature("void f(", (), ")").declaration("x") == "void f(void);"
    assert Signature("void f(", (), ")").offsets() == []
