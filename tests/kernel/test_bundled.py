"""The five bundled kernels against facts found independently of this project's code.

``tests/data/kernels`` has, for each, every kfunc's prototype as bpftool prints it, its flags and what its
``_impl`` is. Where the kernels' whole BTF is at hand (it is too large for this repository), the packs are
compared with it.
"""

from __future__ import annotations

import json
import lzma
from collections import Counter
from functools import cache
from pathlib import Path
from typing import TypedDict

import pytest

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.kernel.classify import build_kernel
from kfunc_lsp.kernel.model import FunctionClass, Kernel, Provenance
from kfunc_lsp.kernel.pack import read_pack
from kfunc_lsp.kernel.targets import bundled, resolve

IMPLICIT, BTF_ONLY, LEGACY = FunctionClass.IMPLICIT, FunctionClass.BTF_ONLY_IMPL, FunctionClass.LEGACY_IMPL
PLAIN, UNRELATED, BROKEN = FunctionClass.PLAIN_IMPL, FunctionClass.FUNCTION, FunctionClass.BROKEN
KFUNC, NOT_CALLABLE = FunctionClass.KFUNC, FunctionClass.NOT_CALLABLE

FACTS = Path(__file__).parents[1] / "data" / "kernels"
PACKS = Path(__file__).parents[2] / "kfunc_lsp" / "data" / "kernels"
WHOLE = Path(__file__).parents[3] / "shared" / "data" / "kernels"

FMODRET = {"bpf_fentry_test1", "bpf_modify_return_test", "bpf_modify_return_test2"}
BROKEN_7_2 = {
    "scx_bpf_dsq_insert___v2",
    "scx_bpf_exit_bstr",
    "scx_bpf_get_idle_cpumask",
    "scx_bpf_get_idle_cpumask_node",
    "scx_bpf_get_idle_smtmask",
    "scx_bpf_get_idle_smtmask_node",
    "scx_bpf_kick_cid",
    "scx_bpf_kick_cpu",
    "scx_bpf_locked_rq",
    "scx_bpf_task_set_dsq_vtime",
    "scx_bpf_task_set_slice",
}
COUNTS = {
    "6.12.107+deb13": {KFUNC: 120, PLAIN: 9, UNRELATED: 2},
    "6.18.15+deb13": {KFUNC: 235, PLAIN: 12, UNRELATED: 2},
    "7.0.13+deb13": {KFUNC: 256, IMPLICIT: 5, BTF_ONLY: 5, PLAIN: 8, UNRELATED: 2},
    "7.2.12+deb13": {KFUNC: 233, IMPLICIT: 53, BTF_ONLY: 45, LEGACY: 8, BROKEN: 11, UNRELATED: 2},
    "7.3.4+deb13": {KFUNC: 239, IMPLICIT: 69, BTF_ONLY: 61, LEGACY: 8, UNRELATED: 2},
}
LOST_TAGS = {
    "6.12.107+deb13": set[str](),
    "6.18.15+deb13": {"hid_bpf_hw_request"},
    "7.0.13+deb13": {"hid_bpf_hw_request", "scx_bpf_cpu_rq"},
    "7.2.12+deb13": BROKEN_7_2 | {"hid_bpf_hw_request", "bpf_sock_destroy"},
    "7.3.4+deb13": set[str](),
}

EACH = pytest.mark.parametrize("release", sorted(COUNTS))


class Fact(TypedDict):
    flags: int
    flag_sets: list[int]
    impl: str | None
    proto: str


@cache
def facts(release: str) -> dict[str, Fact]:
    loaded: dict[str, Fact] = json.loads(lzma.decompress((FACTS / f"{release}.json.xz").read_bytes()))
    return loaded


@cache
def kernel(release: str) -> Kernel:
    return resolve(release)


def index(btf: bytes, ids: bytes | None, known: frozenset[str] = frozenset()) -> Kernel:
    provenance = Provenance("image", "", "")
    return build_kernel(Btf.parse(btf), ids, name="", release="", provenance=provenance, known_names=known)


@cache
def types_alone(release: str) -> Kernel:
    return index(read_pack((PACKS / f"{release}.kpack").read_bytes()).btf, None)


WITHOUT_FACTS = {
    "6.16.12+deb13": {IMPLICIT: 0, BROKEN: 0},
    "6.17.13+deb13": {IMPLICIT: 0, BROKEN: 0},
    "6.19.14+deb13": {IMPLICIT: 0, BROKEN: 0, PLAIN: 12},
    "7.1.13+deb13": {IMPLICIT: 45, BROKEN: 9, BTF_ONLY: 37, LEGACY: 8},
}
"""Kernels for which nobody else's list is at hand, with what is known of them from elsewhere."""


def test_every_bundled_kernel_is_tested() -> None:
    assert sorted(bundled()) == sorted([*COUNTS, *WITHOUT_FACTS])


@pytest.mark.parametrize("release", WITHOUT_FACTS)
def test_the_classes_of_kernels_without_facts(release: str) -> None:
    counts = Counter(function.klass for function in resolve(release).functions.values())
    assert {klass: counts[klass] for klass in WITHOUT_FACTS[release]} == WITHOUT_FACTS[release]


def test_one_name_that_had_two_arities_and_a_gap() -> None:
    arities = {}
    for release in bundled():
        function = resolve(release).get("bpf_stream_vprintk")
        arities[".".join(release.split(".")[:2])] = len(function.prototype.params) if function else None
    assert arities == {
        "6.12": None,
        "6.16": None,
        "6.17": 5,
        "6.18": None,
        "6.19": None,
        **dict.fromkeys(("7.0", "7.1", "7.2", "7.3"), 4),
    }


@EACH
def test_the_kfuncs_are_those_of_the_kernel(release: str) -> None:
    assert {f.name for f in kernel(release).kfuncs()} == facts(release).keys()


@EACH
def test_prototypes_are_bpftools(release: str) -> None:
    printed = {f.name: prototype(f.name, f.prototype) for f in kernel(release).kfuncs()}
    assert printed == {name: fact["proto"] for name, fact in facts(release).items()}


@EACH
def test_flags(release: str) -> None:
    for name, fact in facts(release).items():
        function = kernel(release).functions[name]
        assert function.flags == fact["flags"], name
        if fact["flag_sets"]:
            assert set(fact["flag_sets"]) <= set(function.flag_sets or ()), name


@EACH
def test_classes(release: str) -> None:
    functions = kernel(release).functions.values()
    assert Counter(f.klass for f in functions) == COUNTS[release] | {NOT_CALLABLE: 3}
    assert {f.name for f in functions if f.klass == NOT_CALLABLE} == FMODRET
    unrelated = {f.name for f in functions if f.klass == UNRELATED}
    assert unrelated == {"__bpf_obj_drop_impl", "_regmap_raw_write_impl"}


@EACH
def test_what_the_impl_of_each_kfunc_is(release: str) -> None:
    functions = kernel(release).functions
    for name, fact in facts(release).items():
        impl = functions.get(name + "_impl")
        told = {"btf-only": BTF_ONLY, "legacy": LEGACY, None: None}[fact["impl"]]
        assert (impl.klass if impl else None) == told, name
        assert (functions[name].klass == IMPLICIT) == (fact["impl"] is not None), name


@EACH
def test_lost_tags(release: str) -> None:
    assert {f.name for f in kernel(release).kfuncs() if not f.tagged} == LOST_TAGS[release]


@EACH
def test_types_alone_differ_in_the_lost_tags_only(release: str) -> None:
    """What is not in the index without flags is what lost its tag; everything else has the same class."""
    with_flags = {f.name: f.klass for f in kernel(release).functions.values()}
    without = {f.name: f.klass for f in types_alone(release).functions.values()}
    assert with_flags.keys() - without.keys() == LOST_TAGS[release]
    assert without == {name: klass for name, klass in with_flags.items() if name in without}


def test_implicit_arguments_of_7_3() -> None:
    implicit = {f.name: [p.name for p in f.implicit] for f in kernel("7.3.4+deb13").functions.values() if f.implicit}
    assert len(implicit) == 69
    two = {name for name, params in implicit.items() if len(params) == 2}
    assert two == {"bpf_list_add", "bpf_list_push_back", "bpf_list_push_front", "bpf_rbtree_add"}
    assert all(len(params) == 1 for name, params in implicit.items() if name not in two)


def test_what_is_broken_in_7_2() -> None:
    functions = kernel("7.2.12+deb13").functions.values()
    assert {f.name for f in functions if f.klass == BROKEN} == BROKEN_7_2


def test_one_name_has_three_arities_over_the_releases() -> None:
    assert kernel("6.18.15+deb13").get("bpf_stream_vprintk") is None
    assert len(kernel("6.18.15+deb13").functions["bpf_stream_vprintk_impl"].prototype.params) == 5
    assert len(kernel("7.0.13+deb13").functions["bpf_stream_vprintk"].prototype.params) == 4


@EACH
def test_packs_are_small(release: str) -> None:
    assert (PACKS / f"{release}.kpack").stat().st_size < 40_000


def answers(of: Kernel) -> dict[str, object]:
    """All that a kernel says of each function."""
    return {
        f.name: (
            f.klass,
            f.tagged,
            f.flags,
            f.flag_sets,
            f.base,
            prototype(f.name, f.prototype),
            f.prototype,
            f.impl_prototype,
        )
        for f in of.functions.values()
    }


@pytest.mark.skipif(not WHOLE.is_dir(), reason="the kernels' whole BTF is not at hand")
@EACH
def test_packs_answer_as_their_kernels_do(release: str) -> None:
    btf = lzma.decompress((WHOLE / f"{release}.btf.xz").read_bytes())
    ids = (WHOLE / f"{release}.btf_ids").read_bytes()
    known = frozenset(f.name for f in kernel("7.3.4+deb13").functions.values() if f.klass == IMPLICIT)
    assert answers(kernel(release)) == answers(index(btf, ids))
    assert answers(types_alone(release)) == answers(index(btf, None))
    suspected = index(btf, None, known).functions.keys() - types_alone(release).functions.keys()
    assert suspected == (BROKEN_7_2 if release == "7.2.12+deb13" else set())
