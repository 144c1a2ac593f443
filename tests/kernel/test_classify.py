"""The rules R1 to R9 and B1 to B6, each on a kernel of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.errors import BtfError
from kfunc_lsp.kernel.classify import build_kernel, decoded
from kfunc_lsp.kernel.flags import KF_IMPLICIT_ARGS, KF_SLEEPABLE, KF_TRUSTED_ARGS
from kfunc_lsp.kernel.model import FunctionClass, Kernel, Provenance
from kfunc_lsp.kernel.targets import resolve
from tests.btfbuilder import VOID, BtfBuilder

BOTH = pytest.mark.parametrize("flags_known", [True, False], ids=["flags", "types alone"])


def classes(kernel: Kernel) -> dict[str, FunctionClass]:
    return {name: function.klass for name, function in kernel.functions.items()}


@BOTH
def test_r1_and_r2_a_kfunc_with_implicit_arguments(flags_known: bool) -> None:
    b = BtfBuilder()
    params = [("wq", b.ptr(b.struct("bpf_wq")))]
    b.implicit_kfunc("bpf_wq_start", b.integer(), params, flags=KF_SLEEPABLE)
    kernel = b.kernel(flags_known=flags_known)
    assert classes(kernel) == {
        "bpf_wq_start": FunctionClass.IMPLICIT,
        "bpf_wq_start_impl": FunctionClass.BTF_ONLY_IMPL,
    }
    visible, impl = kernel.functions.values()
    assert [p.name for p in visible.prototype.params] == ["wq"]
    assert [p.name for p in visible.implicit] == ["aux"]
    assert (visible.callable, visible.base, visible.tagged) == (True, None, True)
    assert (impl.callable, impl.base, impl.tagged, impl.implicit) == (False, "bpf_wq_start", False, ())
    assert visible.flags == (KF_IMPLICIT_ARGS | KF_SLEEPABLE if flags_known else None)
    assert impl.flags is None
    assert kernel.flags_known == flags_known


@BOTH
def test_everything_after_the_first_implicit_argument_is_implicit(flags_known: bool) -> None:
    b = BtfBuilder()
    meta = b.ptr(b.struct("btf_struct_meta"))
    b.implicit_kfunc("bpf_rbtree_add", VOID, [("r", b.ptr())], [("meta", meta), ("off", b.integer("u64", 8))])
    function = b.kernel(flags_known=flags_known).functions["bpf_rbtree_add"]
    assert [p.name for p in function.implicit] == ["meta", "off"]


@BOTH
def test_r1a_the_arena_attribute_is_on_the_visible_prototype_alone(flags_known: bool) -> None:
    b = BtfBuilder()
    arena = b.ptr(b.type_tag("address_space(1)", VOID, is_attribute=True))
    b.kfunc("scx_bpf_foo", arena, [("p", arena)], flags=KF_IMPLICIT_ARGS)
    b.function("scx_bpf_foo_impl", b.ptr(), [("p", b.ptr()), ("aux", b.prog_aux())])
    assert b.kernel(flags_known=flags_known).functions["scx_bpf_foo"].klass == FunctionClass.IMPLICIT


@BOTH
def test_r3_the_legacy_impl_spells_its_argument_void(flags_known: bool) -> None:
    b = BtfBuilder()
    k, meta = [("id__k", b.integer("u64", 8))], [("meta__ign", b.ptr())]
    b.implicit_kfunc("bpf_obj_new", b.ptr(), k, meta, legacy=True)
    kernel = b.kernel(flags_known=flags_known)
    assert classes(kernel) == {
        "bpf_obj_new": FunctionClass.IMPLICIT,
        "bpf_obj_new_impl": FunctionClass.LEGACY_IMPL,
    }
    assert kernel.functions["bpf_obj_new_impl"].base == "bpf_obj_new"
    assert kernel.functions["bpf_obj_new_impl"].callable


@BOTH
def test_r4_a_plain_kfunc_whose_name_ends_in_impl(flags_known: bool) -> None:
    b = BtfBuilder()
    b.kfunc("bpf_obj_new_impl", b.ptr(), [("meta__ign", b.ptr())])
    function = b.kernel(flags_known=flags_known).functions["bpf_obj_new_impl"]
    assert (function.klass, function.base, function.callable) == (FunctionClass.PLAIN_IMPL, None, True)


@BOTH
def test_r5_functions_that_merely_end_in_impl(flags_known: bool) -> None:
    b = BtfBuilder()
    b.kfunc("bpf_any")
    b.function("__bpf_obj_drop_impl", VOID, [("p", b.ptr())])
    b.function("_regmap_raw_write", VOID)
    b.function("_regmap_raw_write_impl", VOID, [("aux", b.prog_aux())])
    kernel = b.kernel(flags_known=flags_known)
    assert classes(kernel) == {
        "__bpf_obj_drop_impl": FunctionClass.FUNCTION,
        "_regmap_raw_write_impl": FunctionClass.FUNCTION,
        "bpf_any": FunctionClass.KFUNC,
    }
    assert not kernel.functions["__bpf_obj_drop_impl"].callable


def test_an_untagged_impl_beside_an_ordinary_kfunc_is_not_its_pair() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_foo", VOID, [("p", b.ptr())])
    b.function("bpf_foo_impl", VOID, [("q", b.ptr()), ("aux", b.prog_aux())])
    for flags_known in (True, False):
        assert classes(b.kernel(flags_known=flags_known)) == {
            "bpf_foo": FunctionClass.KFUNC,
            "bpf_foo_impl": FunctionClass.FUNCTION,
        }


@BOTH
def test_r6_the_transformation_is_missing(flags_known: bool) -> None:
    b = BtfBuilder()
    aux = b.ptr(b.const(b.struct("bpf_prog_aux")))
    b.kfunc("scx_bpf_kick_cpu", VOID, [("cpu", b.integer()), ("aux", aux)], flags=KF_IMPLICIT_ARGS)
    kernel = b.kernel(flags_known=flags_known)
    function = kernel.functions["scx_bpf_kick_cpu"]
    assert (function.klass, function.callable) == (FunctionClass.BROKEN, False)
    assert list(kernel.kfuncs()) == [function]


def test_r6_the_flag_alone_is_no_proof() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_other_meaning", VOID, [("p", b.ptr())], flags=KF_IMPLICIT_ARGS)
    b.kfunc("bpf_untouched_magic", VOID, [("p", b.ptr()), ("aux__magic", b.ptr())], flags=KF_IMPLICIT_ARGS)
    b.kfunc("bpf_trusted", VOID, [], flags=KF_TRUSTED_ARGS)
    kernel = b.kernel("6.19-next")
    assert classes(kernel) == {
        "bpf_other_meaning": FunctionClass.KFUNC,
        "bpf_untouched_magic": FunctionClass.BROKEN,
        "bpf_trusted": FunctionClass.KFUNC,
    }
    assert kernel.trusts_by_default is False


def test_r6_where_the_two_prototypes_are_equal_or_unlike() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_a", VOID, [("p", b.ptr())], flags=KF_IMPLICIT_ARGS)
    b.function("bpf_a_impl", VOID, [("p", b.ptr())])
    b.kfunc("bpf_b", VOID, [("p", b.ptr())], flags=KF_IMPLICIT_ARGS)
    b.function("bpf_b_impl", VOID, [("other", b.ptr()), ("aux", b.prog_aux())])
    assert classes(b.kernel()) == {
        "bpf_a": FunctionClass.BROKEN,
        "bpf_a_impl": FunctionClass.FUNCTION,
        "bpf_b": FunctionClass.BROKEN,
        "bpf_b_impl": FunctionClass.FUNCTION,
    }


@BOTH
def test_r7_a_magic_pair(flags_known: bool) -> None:
    b = BtfBuilder()
    params = [("wq", b.ptr(b.struct("bpf_wq")))]
    b.kfunc("bpf_wq_set", VOID, params, flags=KF_IMPLICIT_ARGS)
    b.kfunc("bpf_wq_set_impl", VOID, [*params, ("aux__magic", b.prog_aux())], flags=None)
    kernel = b.kernel(flags_known=flags_known)
    visible, impl = kernel.functions.values()
    assert (visible.klass, impl.klass) == (FunctionClass.MAGIC, FunctionClass.MAGIC)
    assert (visible.base, impl.base) == (None, "bpf_wq_set")
    assert visible.callable
    assert impl.callable
    assert [p.name for p in visible.implicit] == ["aux__magic"]
    assert impl.implicit == ()


@BOTH
def test_r9_targets_of_fmod_ret_are_tagged_and_not_callable(flags_known: bool) -> None:
    b = BtfBuilder()
    b.kfunc("bpf_modify_return_test", b.integer(), [("a", b.integer())])
    function = b.kernel(flags_known=flags_known).functions["bpf_modify_return_test"]
    assert (function.klass, function.callable) == (FunctionClass.NOT_CALLABLE, False)


def test_flags_of_several_sets_are_united_and_kept_apart() -> None:
    b = BtfBuilder()
    b.kfunc("hid_bpf_hw_request", flags=(0x20, 0, 0x20))
    b.kfunc("bpf_other", flags=1)
    function = b.kernel().functions["hid_bpf_hw_request"]
    assert (function.flags, function.flag_sets) == (0x20, (0, 0x20))


def test_a_kfunc_that_lost_its_tag_is_in_the_index_by_its_set() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_sock_destroy", b.integer(), tagged=False)
    b.kfunc("bpf_tagged")
    kernel = b.kernel()
    assert kernel.functions["bpf_sock_destroy"].klass == FunctionClass.KFUNC
    assert not kernel.functions["bpf_sock_destroy"].tagged
    assert b.kernel(flags_known=False).get("bpf_sock_destroy") is None


def test_b1_no_tags_at_all() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_foo", tagged=False)
    b.function("bpf_foo_impl", VOID, [("aux", b.prog_aux())])
    kernel = b.kernel(flags_known=False)
    assert not kernel.kfuncs_known
    assert dict(kernel.functions) == {}
    assert "does not tell kfuncs" in kernel.provenance.detail
    assert b.kernel().kfuncs_known


def test_b3_a_tagged_pair_without_magic_names_is_a_legacy_one() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_foo")
    b.kfunc("bpf_foo_impl", VOID, [("meta__ign", b.ptr())])
    assert b.kernel(flags_known=False).functions["bpf_foo"].klass == FunctionClass.IMPLICIT
    assert b.kernel(flags_known=False).functions["bpf_foo_impl"].klass == FunctionClass.LEGACY_IMPL


def test_b6_a_known_name_with_the_argument_left_in_has_lost_its_tag() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_tagged")
    b.function("scx_bpf_kick_cpu", VOID, [("cpu", b.integer()), ("aux", b.prog_aux())])
    b.function("bpf_plain", VOID, [("aux", b.integer())])
    b.function("unknown", VOID, [("aux", b.prog_aux())])
    known = {"scx_bpf_kick_cpu", "bpf_plain", "bpf_absent", "bpf_tagged"}
    kernel = b.kernel(flags_known=False, known_names=known)
    assert classes(kernel) == {
        "bpf_tagged": FunctionClass.KFUNC,
        "scx_bpf_kick_cpu": FunctionClass.BROKEN,
    }
    assert "scx_bpf_kick_cpu" not in b.kernel(flags_known=False).functions


@pytest.mark.parametrize("shape", ["typedef", "pointer to pointer", "forward", "by value"])
def test_only_a_pointer_to_the_struct_itself_is_an_implicit_type(shape: str) -> None:
    b = BtfBuilder()
    aux = b.struct("bpf_prog_aux")
    param = {
        "typedef": lambda: b.typedef("aux_t", b.ptr(aux)),
        "pointer to pointer": lambda: b.ptr(b.ptr(aux)),
        "forward": lambda: b.ptr(b.fwd("btf_struct_meta")),
        "by value": lambda: aux,
    }[shape]()
    b.kfunc("bpf_foo", VOID, [("aux", param)])
    assert b.kernel(flags_known=False).functions["bpf_foo"].klass == FunctionClass.KFUNC


def test_qualifiers_do_not_hide_an_implicit_type() -> None:
    b = BtfBuilder()
    aux = b.const(b.ptr(b.type_tag("rcu", b.volatile(b.struct("bpf_prog_aux")))))
    b.kfunc("bpf_foo", VOID, [("aux", aux)])
    assert b.kernel(flags_known=False).functions["bpf_foo"].klass == FunctionClass.BROKEN


def test_a_big_endian_kernel() -> None:
    b = BtfBuilder(big_endian=True)
    b.implicit_kfunc("bpf_foo", VOID, [], flags=KF_SLEEPABLE)
    function = b.kernel().functions["bpf_foo"]
    assert (function.klass, function.flags) == (FunctionClass.IMPLICIT, KF_IMPLICIT_ARGS | KF_SLEEPABLE)


def build(btf: Btf, ids: bytes | None) -> Kernel:
    return build_kernel(btf, ids, name="k", release="", provenance=Provenance("image", "k", ""))


def test_sets_of_another_kernel_are_an_error() -> None:
    b = BtfBuilder()
    b.function("not_a_kfunc")
    for name in ("bpf_a", "bpf_b", "bpf_c"):
        b.kfunc(name, flags=None)
    (wrong,) = b.parse().find("not_a_kfunc", Kind.FUNC)
    ids = b"".join(word.to_bytes(4, "little") for word in (1, 1, wrong, 0))
    with pytest.raises(BtfError, match="another kernel"):
        build(b.parse(), ids)


def test_btf_ids_without_kfunc_sets_leave_types_alone() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_a")
    kernel = build(b.parse(), b"\0" * 16)
    assert kernel.functions["bpf_a"].flags is None
    assert "no kfunc set" in kernel.provenance.detail


def test_a_damaged_prototype_is_told_when_the_kernel_is_read(tmp_path: Path) -> None:
    b = BtfBuilder()
    b.kfunc("bpf_a")
    b.kfunc("bpf_b", b.ptr(4096))
    (tmp_path / "k.btf").write_bytes(b.build())
    with pytest.raises(BtfError, match=r"k\.btf: BTF: there is no type id 4096"):
        resolve(str(tmp_path / "k.btf"))
    with pytest.raises(BtfError, match="no type id 4096"):
        decoded(b.kernel())


def test_a_tag_on_something_else_is_no_kfunc() -> None:
    b = BtfBuilder()
    b.decl_tag("bpf_kfunc", b.struct("s"))
    b.decl_tag("bpf_kfunc", b.function("f", VOID, [("p", b.ptr())]), 0)
    assert not b.kernel(flags_known=False).kfuncs_known
