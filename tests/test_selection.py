"""Targets and patterns, and kernels that are given twice."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from kfunc_lsp.config import Config
from kfunc_lsp.errors import TargetError
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.selection import Choice, choices, select, single, targets, title
from tests.btfbuilder import BtfBuilder

CONFIG = Config(
    targets={"fleet": ("6.1[28].*", "7.3"), "lab": ("7.3",), "7.0": ("7.0", "7.1"), "none": (), "gone": ("5.*",)},
    file="/p/kfunc-lsp.toml",
)


def file(path: Path, *names: str) -> Path:
    builder = BtfBuilder()
    for name in names:
        builder.kfunc(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(builder.build())
    return path


def chosen(*specs: str | Path) -> list[tuple[Choice, Kernel]]:
    return [(Choice(str(spec)), resolve(str(spec))) for spec in specs]


def test_a_target_of_several() -> None:
    assert choices(CONFIG, "fleet") == [Choice("6.18.15+deb13"), Choice("6.12.107+deb13"), Choice("7.3")]


def test_a_target_of_one_gives_its_name() -> None:
    (choice,) = choices(CONFIG, "lab")
    assert choice == Choice("7.3", "lab")
    assert title(choice.named(resolve(choice.spec))) == "lab (bundled 7.3.4+deb13)"


def test_a_target_goes_before_a_bundled_kernel_and_means_it_inside() -> None:
    assert choices(CONFIG, "7.0") == [Choice("7.0"), Choice("7.1")]
    assert choices(Config(), "7.0") == [Choice("7.0")]


def test_a_target_is_no_path(tmp_path: Path) -> None:
    assert choices(CONFIG, "./fleet") == [Choice("./fleet")]


def test_targets_without_a_kernel() -> None:
    with pytest.raises(TargetError, match=r"the target `none` names no kernel"):
        choices(CONFIG, "none")
    assert [(t.name, bool(t.specs), bool(t.problem)) for t in targets(CONFIG)] == [
        ("7.0", True, False),
        ("fleet", True, False),
        ("gone", False, True),
        ("lab", True, False),
        ("none", False, True),
    ]


@pytest.mark.parametrize("name", ["fleet", "6.1[28].*"])
def test_where_one_is_wanted_several_are_listed(name: str) -> None:
    with pytest.raises(TargetError) as caught:
        single(CONFIG, name)
    assert str(caught.value).startswith(f"{name}: stands for ")
    assert "6.18.15+deb13, 6.12.107+deb13" in str(caught.value)
    assert single(CONFIG, "lab") == Choice("7.3", "lab")


def test_the_same_bytes_are_one_kernel(tmp_path: Path) -> None:
    one = file(tmp_path / "one.btf", "bpf_a")
    other = file(tmp_path / "other.btf", "bpf_b")
    copy = tmp_path / "copy.btf"
    shutil.copy(one, copy)
    selected = select(chosen(one, other, copy, "7.3", "7.3.4"))
    assert [kernel.name for kernel in selected.kernels] == ["one", "other", "7.3"]
    assert selected.merged == (f"{copy} is the same kernel as {one}", "7.3.4 is the same kernel as 7.3")


def test_kernels_that_differ_are_told_apart(tmp_path: Path) -> None:
    one, other = file(tmp_path / "a" / "k.btf", "bpf_a"), file(tmp_path / "b" / "k.btf", "bpf_b")
    selected = select(chosen(one, other, "7.3"))
    assert [kernel.name for kernel in selected.kernels] == [f"k ({one})", f"k ({other})", "7.3"]
    assert selected.merged == ()
    assert [title(kernel) for kernel in selected.kernels] == [
        f"k ({one})",
        f"k ({other})",
        "7.3 (bundled 7.3.4+deb13)",
    ]
