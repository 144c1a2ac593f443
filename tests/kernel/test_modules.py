"""Modules on their kernel: split types, registrations through relocations, folders, and the cache."""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.errors import BtfError, KfuncLspError, TargetError
from kfunc_lsp.image import cache
from kfunc_lsp.image.file import open_bytes
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.modules import with_modules
from kfunc_lsp.kernel.pack import read_pack
from kfunc_lsp.kernel.targets import export_pack, resolve
from tests.btfbuilder import VOID, BtfBuilder
from tests.image.kernelbuilder import SCHED_CLS, XDP, KernelBuilder
from tests.image.modulebuilder import module
from tests.programs import SHARED


def vmlinux() -> BtfBuilder:
    b = BtfBuilder()
    b.ptr(b.struct("nf_conn"))
    b.integer("int")
    b.kfunc("bpf_core", VOID, [("x", b.integer())], flags=1)
    return b


def on(base: BtfBuilder, *names: str) -> BtfBuilder:
    """A module's BTF on ``base``, with a kfunc of each name that takes a ``struct nf_conn *``."""
    b = BtfBuilder(base)
    for name in names:
        b.kfunc(name, VOID, [("ct", 2)], flags=2)
    return b


def image(base: BtfBuilder) -> bytes:
    kernel = KernelBuilder(base)
    kernel.register(0, XDP)
    return kernel.vmlinux()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A root folder as a distribution has it."""
    base = vmlinux()
    folder = tmp_path / "lib" / "modules" / "7.3.4"
    (folder / "kernel" / "net").mkdir(parents=True)
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "vmlinuz-7.3.4").write_bytes(image(base))
    net = folder / "kernel" / "net"
    (net / "nf.ko").write_bytes(module(on(base, "bpf_ct_release"), [XDP, SCHED_CLS], name="nf"))
    (net / "z.ko.xz").write_bytes(
        lzma.compress(module(on(base, "bpf_core", "bpf_ct_release", "bpf_z"), [XDP], name="z"))
    )
    (net / "none.ko").write_bytes(b"\x7fELF, but without the section")
    return tmp_path


def facts(kernel: Kernel) -> dict[str, Any]:
    found = {}
    for f in kernel.functions.values():
        hooks = [h.name for h in f.hooks] if f.hooks is not None else None
        found[f.name] = (f.module, f.klass, f.flags, prototype(f.name, f.prototype), hooks)
    return found


def test_a_folder_of_modules_finds_its_kernel(tree: Path) -> None:
    told: list[tuple[int, int]] = []
    kernel = resolve(str(tree / "lib" / "modules" / "7.3.4"), progress=lambda *at: told.append(at))
    assert kernel.functions["bpf_core"].module is None
    ct = kernel.functions["bpf_ct_release"]
    assert (ct.module, ct.flags, [h.name for h in ct.hooks or ()]) == ("nf", 2, ["TC", "XDP"])
    assert prototype(ct.name, ct.prototype) == "void bpf_ct_release(struct nf_conn *ct);"
    assert kernel.functions["bpf_z"].module == "z"
    assert told[-1] == (3, 3)
    assert "modules nf, z" in kernel.provenance.detail


def test_vmlinux_and_earlier_modules_go_first(tree: Path) -> None:
    kernel = resolve(str(tree / "lib" / "modules" / "7.3.4"))
    assert [(f.name, f.module) for f in kernel.shadowed] == [("bpf_core", "z"), ("bpf_ct_release", "z")]


def test_one_module(tree: Path) -> None:
    path = tree / "lib" / "modules" / "7.3.4" / "kernel" / "net" / "nf.ko"
    assert set(resolve(str(path)).functions) == {"bpf_core", "bpf_ct_release"}
    kernel = resolve(str(tree / "boot" / "vmlinuz-7.3.4"), modules=[path])
    assert set(kernel.functions) == {"bpf_core", "bpf_ct_release"}


def test_a_pack_holds_the_modules(tree: Path, tmp_path: Path) -> None:
    folder = str(tree / "lib" / "modules" / "7.3.4")
    data = export_pack(folder)
    assert data == export_pack(folder)
    assert [m.name for m in read_pack(data).modules] == ["nf", "z"]
    path = tmp_path / "mine.kpack"
    path.write_bytes(data)
    assert facts(resolve(str(path))) == facts(resolve(folder))
    assert export_pack(str(path)) == data


def test_the_cache_answers_as_the_files(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = str(tree / "lib" / "modules" / "7.3.4")
    cold, kept = resolve(folder), resolve(folder)
    monkeypatch.setenv(cache.VARIABLE, "")
    plain = resolve(folder)
    assert facts(cold) == facts(kept) == facts(plain)
    assert cold.provenance == kept.provenance == plain.provenance
    assert (cold.name, cold.release) == (plain.name, plain.release)
    assert [(f.name, f.module, f.hooks) for f in cold.shadowed] == [(f.name, f.module, f.hooks) for f in plain.shadowed]


def test_damaged_and_foreign_entries_are_made_again(tree: Path) -> None:
    folder = str(tree / "lib" / "modules" / "7.3.4")
    expected = facts(resolve(folder))
    where = cache.folder()
    assert where is not None
    for path in where.iterdir():
        path.write_bytes(path.read_bytes()[:30])
    assert facts(resolve(folder)) == expected
    assert all(len(path.read_bytes()) > 30 for path in where.iterdir() if path.name.startswith("kernel-"))


def test_a_changed_file_is_read_again(tree: Path) -> None:
    path = tree / "boot" / "vmlinuz-7.3.4"
    assert "bpf_core" in resolve(str(path)).functions
    changed = BtfBuilder()
    changed.kfunc("bpf_new", flags=1)
    path.write_bytes(image(changed))
    os.utime(path, (1, 1))
    assert set(resolve(str(path)).functions) == {"bpf_new"}


def test_a_cache_that_cannot_be_written_is_none(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, "/proc/no/such")
    assert "bpf_core" in resolve(str(tree / "boot" / "vmlinuz-7.3.4")).functions
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tree / "xdg"))
    assert cache.folder() == tree / "xdg" / "kfunc-lsp"


def test_a_module_of_another_build(tree: Path) -> None:
    other = BtfBuilder()
    for number in range(9):
        other.struct(f"another_{number}")
    b = BtfBuilder(other)
    for number in range(9):
        b.raw(4, 1 + number, 0)
    b.kfunc("bpf_x", VOID, [], flags=1)
    path = tree / "other.ko"
    path.write_bytes(module(b, [XDP], release="9.9"))
    with pytest.raises(BtfError, match=r"other\.ko: the module was built against another vmlinux \(it is of 9\.9\)"):
        resolve(str(tree / "boot" / "vmlinuz-7.3.4"), modules=[path])


def test_a_module_without_its_kernel(tmp_path: Path) -> None:
    path = tmp_path / "nf.ko"
    path.write_bytes(module(on(vmlinux(), "bpf_ct_release"), [XDP]))
    with pytest.raises(TargetError, match=r"nf\.ko: the kernel of these modules was not found.*--modules"):
        resolve(str(path))
    with pytest.raises(BtfError, match=r"nf\.ko: is a module.*a pack has few"):
        resolve("7.3", modules=[path])


def test_a_distilled_base_is_fitted_to_the_kernel() -> None:
    distilled = BtfBuilder()
    distilled.fwd("nf_conn")
    b = BtfBuilder(distilled)
    b.kfunc("bpf_x", VOID, [("ct", b.ptr(1))], flags=2)
    opened = open_bytes("x.ko", module(b, [XDP], btf_base=distilled.build()))
    base = vmlinux()
    kernel = with_modules(base.kernel(), base.parse(), [opened])
    x = kernel.functions["bpf_x"]
    assert prototype("bpf_x", x.prototype) == "void bpf_x(struct nf_conn *ct);"
    assert "Struct(name='nf_conn')" in repr(x.prototype)
    assert (x.flags, x.module) == (2, "mod")
    wrong = BtfBuilder()
    wrong.struct("other")
    with pytest.raises(BtfError, match="struct nf_conn is not the vmlinux's"):
        with_modules(base.kernel(), wrong.parse(), [opened])


SOUND = module(on(vmlinux(), "bpf_ct_release"), [XDP], name="nf")


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.tuples(st.integers(4, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=6),
    st.integers(1, len(SOUND)),
)
def test_a_damaged_module_gives_functions_or_an_error(changes: list[tuple[int, int]], keep: int) -> None:
    data = bytearray(SOUND)
    for at, value in changes:
        data[at] = value
    base = vmlinux()
    for damaged in (bytes(data), bytes(data[:keep])):
        try:
            kernel = with_modules(base.kernel(), base.parse(), [open_bytes("nf.ko", damaged)])
        except KfuncLspError as error:
            assert "nf.ko" in str(error)  # noqa: PT017 - either outcome is right, the text is not free
        else:
            assert "bpf_core" in kernel.functions


DATA = SHARED / "data"


@pytest.mark.slow
@pytest.mark.skipif(not DATA.is_dir(), reason="needs real modules")
def test_real_modules() -> None:
    truth = json.loads((DATA / "modules" / "truth.json").read_text())
    kernel = resolve(str(DATA / "images" / "vmlinuz-7.3.4+deb13-amd64"), modules=[DATA / "modules"])
    found: dict[str, dict[str, Any]] = {}
    for f in kernel.functions.values():
        if f.module:
            assert f.hooks
            found.setdefault(f.module, {})[f.name] = (f.flags, prototype(f.name, f.prototype), f.tagged)
    here = {path.name.partition(".")[0] for path in (DATA / "modules").glob("*.ko.xz")}
    assert found == {
        name: {f: (x["flags"], x["proto"], x["tag"]) for f, x in truth[name]["kfuncs"].items()} for name in here
    }
    assert sum(map(len, found.values())) == 24
    assert not kernel.shadowed
    with pytest.raises(BtfError, match="built against another vmlinux"):
        resolve(str(DATA / "images" / "vmlinuz-7.0.13+deb13-amd64"), modules=[DATA / "modules"])
