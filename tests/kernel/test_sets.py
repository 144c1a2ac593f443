"""The kfunc sets of ``.BTF_ids``."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.kernel.sets import encode_sets, find_sets, sets_without_header
from tests.btfbuilder import BtfBuilder


def builder(*, big_endian: bool = False) -> tuple[BtfBuilder, list[int]]:
    b = BtfBuilder(big_endian=big_endian)
    b.struct("s")
    return b, [b.function(name) for name in ("bpf_a", "bpf_b", "bpf_c")]


@pytest.mark.parametrize("order", "<>")
def test_finds_sets_between_other_ids(order: str) -> None:
    b, (a, c, d) = builder(big_endian=order == ">")
    lone_ids, id_set, fmodret = [a, 1, 1], [2, a, c], [1, 0, a, 7]
    words = [*lone_ids, 2, 1, a, 5, c, 0, *id_set, *fmodret, 1, 1, d, 1 << 16, 9]
    ids = struct.pack(f"{order}{len(words)}I", *words)
    assert list(find_sets(ids, b.parse()).values()) == [{a: 5, c: 0}, {d: 1 << 16}]


def test_what_is_not_quite_a_set_is_none() -> None:
    b, (a, c, _) = builder()
    for words in (
        [0, 1],
        [2, 1, a, 0],
        [2, 1, c, 0, a, 0],
        [2, 1, a, 0, a, 0],
        [1, 1, 1, 0],
        [1, 1, 0, 0],
        [1, 1, 1 << 31, 0],
        [1, 2, a, 0],
        [0xFFFFFFFF, 1, a, 0],
    ):
        assert list(find_sets(struct.pack(f"<{len(words)}I", *words), b.parse()).values()) == [], words


def test_members_that_the_build_found_no_function_for() -> None:
    b, (a, c, _) = builder()
    words = [9, 4, 1, 0, 7, 0, 0, a, 5, c, 0, 2, 1, 0, 0, 0, 0]
    assert find_sets(struct.pack("<17I", *words), b.parse()) == {4: {a: 5, c: 0}}


@pytest.mark.parametrize("order", "<>")
def test_sets_of_kernels_that_do_not_mark_them(order: str) -> None:
    b, (a, c, d) = builder(big_endian=order == ">")
    lone_ids, id_set, unresolved_set = [a, 0, c], [2, a, c], [3, 0, c, 1 << 12]
    words = [*lone_ids, 2, 0, a, 5, c, 0x800, *id_set, *unresolved_set, 1, 0, d, 0]
    ids = struct.pack(f"{order}{len(words)}I", *words)
    assert list(sets_without_header(ids, b.parse()).values()) == [{a: 5, c: 0x800}, {d: 0}]
    assert find_sets(ids, b.parse()) == {}


def test_encodes_what_it_reads() -> None:
    b, (a, c, _) = builder()
    sets = [{a: 5, c: 0}, {c: 1}]
    assert list(find_sets(encode_sets(sets), b.parse()).values()) == sets


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 9)), st.binary(max_size=3))
def test_any_bytes_give_sets_of_functions(words: list[int], tail: bytes) -> None:
    b, functions = builder()
    for members in find_sets(struct.pack(f"<{len(words)}I", *words) + tail, b.parse()).values():
        assert members
        assert set(members) <= set(functions)
