"""Flags and parameter names in words."""

from __future__ import annotations

import pytest

from kfunc_lsp.kernel.annotations import annotation
from kfunc_lsp.kernel.flags import FLAGS, KF_IMPLICIT_ARGS, KF_PERFMON, decode


def test_the_table_has_one_name_for_each_bit_in_order() -> None:
    assert [flag.value for flag in FLAGS] == [1 << bit for bit in range(19)]
    assert (KF_IMPLICIT_ARGS, KF_PERFMON) == (0x10000, 0x40000)
    assert len({flag.name for flag in FLAGS}) == 19


def test_decode() -> None:
    assert [flag.name for flag in decode(0x25)] == ["KF_ACQUIRE", "KF_RET_NULL", "KF_SLEEPABLE"]
    assert [flag.name for flag in decode(1 << 20 | 1)] == ["KF_ACQUIRE", "bit 20"]
    assert decode(0) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("buf__szk", "known constant"),
        ("buf__sz", "size in bytes of the argument before"),
        ("id__k", "known constant"),
        ("meta__ign", "not checked"),
        ("p__const_map", "known at verification"),
        ("p__map", "a map"),
        ("p__arena__nullable", "stays NULL"),
        ("p__arena", "arena pointer"),
        ("p__nullable", "may be NULL"),
        ("rdonly_buf_size", "read-only buffer"),
    ],
)
def test_annotation(name: str, words: str) -> None:
    assert words in (annotation(name) or "")


@pytest.mark.parametrize("name", ["", "p", "__ign", "sz", "p_sz", "size__", "x_rdonly_buf_size", "p__szx"])
def test_names_that_say_nothing(name: str) -> None:
    assert annotation(name) is None
