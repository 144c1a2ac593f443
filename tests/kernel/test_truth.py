"""Whole kernel images against facts found independently: flags, hooks, filters, classes, by function."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.image.bzimage import payload
from kfunc_lsp.image.file import open_image
from kfunc_lsp.kernel.model import FunctionClass, Kernel
from kfunc_lsp.kernel.targets import resolve
from tests.image.kernelbuilder import bzimage
from tests.programs import SHARED

DATA = SHARED / "data"
KERNELS = DATA / "kernels"
IMAGES = sorted((DATA / "images").glob("vmlinuz-*"))

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not DATA.is_dir(), reason="needs real kernels")]
PACKERS = [
    ("gzip", "-n", "-1"),
    ("bzip2", "-1"),
    ("xz", "--check=crc32", "--x86", "--lzma2=preset=0"),
    ("lzma", "-0"),
    ("lzop", "-1"),
    ("lz4", "-l", "-1", "-c"),
    ("zstd", "-1", "-c"),
]
Hooks = dict[str, dict[str, tuple[int, bool, list[str]]]]
"""By function and hook: flags, whether filtered, program types."""

EACH = pytest.mark.parametrize("image", IMAGES, ids=lambda path: path.name)


@cache
def kernel(image: Path) -> Kernel:
    return resolve(str(image))


def truth(image: Path) -> dict[str, Any]:
    return truth_of(image.name.removeprefix("vmlinuz-").removesuffix("-amd64"))


def truth_of(release: str) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((KERNELS / f"{release}.truth.json").read_text())["kfuncs"]
    return facts


def hooks_found(of: Kernel) -> Hooks:
    return {
        f.name: {h.name: (h.flags, h.filtered, sorted(h.program_types) or ["FMODRET?"]) for h in f.hooks or ()}
        for f in of.kfuncs()
    }


def hooks_in(facts: dict[str, Any]) -> Hooks:
    return {
        name: {hook: (x["flags"], x["filtered"], sorted(x["prog"])) for hook, x in fact["hooks"].items()}
        for name, fact in facts.items()
    }


@EACH
def test_functions_flags_and_prototypes(image: Path) -> None:
    found = {f.name: (f.flags, prototype(f.name, f.prototype)) for f in kernel(image).kfuncs()}
    assert found == {name: (fact["flags"], fact["proto"]) for name, fact in truth(image).items()}


@EACH
def test_hooks_flags_per_hook_and_filters(image: Path) -> None:
    assert hooks_found(kernel(image)) == hooks_in(truth(image))


@pytest.mark.parametrize(
    "release", sorted(path.name.removesuffix(".truth.json") for path in KERNELS.glob("*.truth.json"))
)
def test_hooks_of_a_bundled_kernel(release: str) -> None:
    assert hooks_found(resolve(release)) == hooks_in(truth_of(release))


@EACH
def test_an_image_and_its_btf_agree_on_classes(image: Path) -> None:
    release = image.name.removeprefix("vmlinuz-").removesuffix("-amd64")
    bundled = resolve(release)
    assert {f.name: f.klass for f in kernel(image).functions.values()} == {
        f.name: f.klass for f in bundled.functions.values()
    }
    not_callable = {f.name for f in kernel(image).functions.values() if f.klass == FunctionClass.NOT_CALLABLE}
    assert not_callable == {"bpf_fentry_test1", "bpf_modify_return_test", "bpf_modify_return_test2"}


@pytest.mark.parametrize("command", PACKERS, ids=" ".join)
def test_every_packing_by_the_tool_that_kernels_are_built_with(command: tuple[str, ...], tmp_path: Path) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs {command[0]}")
    (original,) = (path for path in IMAGES if "7.3.4" in path.name)
    whole = payload(original.read_bytes(), "original").getvalue()
    packed = subprocess.run(command, input=whole, capture_output=True, check=True, timeout=120).stdout
    repacked = tmp_path / "vmlinuz"
    repacked.write_bytes(bzimage(packed))
    image, expected = open_image(repacked), open_image(original)
    assert (image.btf, image.btf_ids, image.code) == (expected.btf, expected.btf_ids, expected.code)


def test_a_filter_that_came_with_another_set_is_reported() -> None:
    (image,) = (path for path in IMAGES if "7.3.4" in path.name)
    crossed = {f.name for f in kernel(image).kfuncs() for hook in f.hooks or () if hook.crossed}
    assert crossed == {"scx_bpf_cid_to_cpu", "scx_bpf_cid_topo", "scx_bpf_cpu_to_cid"}
