"""What users call kernels."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kfunc_lsp.errors import BtfError, ImageError, PackError, TargetError
from kfunc_lsp.image import cache
from kfunc_lsp.image.folder import vmlinux_of
from kfunc_lsp.kernel import targets
from kfunc_lsp.kernel.model import FunctionClass
from kfunc_lsp.kernel.pack import read_pack
from kfunc_lsp.kernel.targets import RUNNING_BTF, bundled, default_kernel, export_pack, image_of_running, resolve
from tests.btfbuilder import VOID, BtfBuilder


def test_bundled_kernels_are_listed_newest_first() -> None:
    assert [release.removesuffix("+deb13") for release in bundled()] == [
        *("7.3.4", "7.2.12", "7.1.13", "7.0.13"),
        *("6.19.14", "6.18.15", "6.17.13", "6.16.12", "6.12.107"),
    ]


@pytest.mark.parametrize(
    ("spec", "release"),
    [
        ("7.3", "7.3.4+deb13"),
        ("7.3.4", "7.3.4+deb13"),
        ("7.3.4+deb13", "7.3.4+deb13"),
        ("7", "7.3.4+deb13"),
        ("6", "6.19.14+deb13"),
        ("6.12", "6.12.107+deb13"),
    ],
)
def test_a_release_is_named_by_its_first_components(spec: str, release: str) -> None:
    kernel = resolve(spec)
    assert (kernel.name, kernel.release) == (spec, release)
    assert (kernel.provenance.kind, kernel.provenance.path) == ("pack", release)


@pytest.mark.parametrize("spec", ["7.4", "7.30", "6.1", "7.3.4+deb1", "", "runing"])
def test_an_unknown_name_lists_what_there_is(spec: str) -> None:
    with pytest.raises(TargetError, match=r"7\.3\.4\+deb13, 7\.2\.12"):
        resolve(spec)


def test_an_unknown_name_suggests_a_close_one() -> None:
    with pytest.raises(TargetError, match=r"Did you mean 7\.3\?"):
        resolve("7.33")
    with pytest.raises(TargetError, match=r"Did you mean running\?"):
        resolve("runing")


def kernel_file(tmp_path: Path, name: str) -> tuple[Path, Path]:
    b = BtfBuilder()
    b.kfunc("bpf_foo", flags=0x20)
    b.function("scx_bpf_kick_cpu", VOID, [("cpu", b.integer()), ("aux", b.prog_aux())])
    path, ids = tmp_path / name, tmp_path / "ids"
    path.write_bytes(b.build())
    ids.write_bytes(b.btf_ids())
    return path, ids


def test_a_file(tmp_path: Path) -> None:
    path, _ = kernel_file(tmp_path, "7.9.1-custom.btf")
    kernel = resolve(str(path))
    assert (kernel.name, kernel.release) == ("7.9.1-custom", "")
    assert (kernel.provenance.kind, kernel.provenance.path) == ("btf", str(path))
    assert not kernel.flags_known
    assert kernel.functions["scx_bpf_kick_cpu"].klass == FunctionClass.BROKEN


def test_a_file_with_its_btf_ids(tmp_path: Path) -> None:
    path, ids = kernel_file(tmp_path, "vmlinux.btf")
    kernel = resolve(str(path), ids)
    assert kernel.functions["bpf_foo"].flags == 0x20
    assert kernel.provenance.kind == "image"
    assert list(kernel.functions) == ["bpf_foo"]


@pytest.mark.parametrize("with_ids", [True, False])
def test_an_exported_pack_answers_as_the_file(tmp_path: Path, with_ids: bool) -> None:
    path, ids = kernel_file(tmp_path, "7.9.1-custom.btf")
    whole = resolve(str(path), ids if with_ids else None)
    packed = tmp_path / "mine.kpack"
    packed.write_bytes(export_pack(str(path), ids if with_ids else None, source="a test"))
    kernel = resolve(str(packed))
    assert (kernel.name, kernel.release) == ("7.9.1-custom", "7.9.1-custom")
    assert kernel.provenance.kind == "pack"
    assert {f.name: (f.klass, f.flags, f.prototype) for f in kernel.functions.values()} == {
        f.name: (f.klass, f.flags, f.prototype) for f in whole.functions.values()
    }
    assert ("scx_bpf_kick_cpu" in kernel.functions) == (not with_ids)


def test_the_pack_of_a_bundled_kernel_is_that_pack() -> None:
    for release in bundled():
        pack = Path(targets.__file__).parents[1] / "data" / "kernels" / f"{release}.kpack"
        assert read_pack(export_pack(release)) == read_pack(pack.read_bytes())


def test_a_bundled_name_goes_before_a_file_unless_it_has_a_slash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel_file(tmp_path, "7.3")
    kernel_file(tmp_path, "mine")
    monkeypatch.chdir(tmp_path)
    assert resolve("7.3").provenance.kind == "pack"
    assert resolve("./7.3").provenance.kind == "btf"
    assert resolve("mine").provenance.path == "mine"


def test_errors_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cut.btf"
    path.write_bytes(b"\x9f\xeb\x01\x00")
    with pytest.raises(BtfError, match=r"cut\.btf: BTF: 4 bytes"):
        resolve(str(path))
    with pytest.raises(BtfError, match=r"cut\.btf: BTF: 4 bytes"):
        export_pack(str(path))
    path.write_bytes(b"KFPK" + bytes(40))
    with pytest.raises(PackError, match=r"cut\.btf: kernel pack: format 0"):
        resolve(str(path))
    with pytest.raises(ImageError, match="No such file"):
        resolve(str(tmp_path / "absent"))


def test_there_is_always_a_default_kernel() -> None:
    kernel = default_kernel()
    assert kernel.kfuncs_known
    assert kernel.name.startswith("running (") or kernel.name == bundled()[0]


def test_the_running_kernels_image_is_one_that_can_be_read_or_none() -> None:
    release = os.uname().release
    _, tried = vmlinux_of(f"/lib/modules/{release}/modules.dep")
    assert f"/boot/vmlinuz-{release}" in tried  # also where the folder of modules is not there
    found = image_of_running()
    assert found is None or (found in tried and found != RUNNING_BTF)


def test_the_btf_of_a_whole_kernel_is_kept_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    b = BtfBuilder()
    b.kfunc("bpf_a")
    b.function("no_kfunc")
    for number in range(3000):
        b.struct(f"{number:0400}")
    (tmp_path / "k.btf").write_bytes(b.build())
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    for _ in range(2):
        kernel = resolve(str(tmp_path / "k.btf"))
        assert list(kernel.functions) == ["bpf_a"]
        assert kernel.find("no_kfunc") is not None
        assert kernel.find("gone") is None
        assert kernel.is_whole
        assert len(list(folder.glob("kernel-*"))) == 1
