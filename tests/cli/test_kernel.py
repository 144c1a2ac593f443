"""``kfunc-lsp kernel`` as a person runs it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from kfunc_lsp.cli import main
from kfunc_lsp.dataclass import replace
from kfunc_lsp.image import cache
from kfunc_lsp.kernel.pack import read_pack, write_pack
from kfunc_lsp.kernel.targets import bundled
from tests.image.kernelbuilder import XDP, KernelBuilder, bzimage, packed
from tests.image.modulebuilder import module
from tests.kernel.test_modules import on, vmlinux


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    kernel = KernelBuilder(vmlinux())
    kernel.register(0, XDP)
    path = tmp_path / "vmlinuz"
    path.write_bytes(bzimage(packed(kernel.vmlinux() + bytes(i * i % 251 for i in range(2048)), "zstd")))
    (tmp_path / "nf.ko").write_bytes(module(on(vmlinux(), "bpf_ct_release"), [XDP], name="nf"))
    return path


@pytest.fixture
def without_types(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A pack of 7.2 that does not tell program types, as one made from raw BTF."""
    path = tmp_path / "raw.kpack"
    out(capsys, "export", "7.2", "-o", str(path))
    path.write_bytes(write_pack(replace(read_pack(path.read_bytes()), registrations=None)))
    return str(path)


def out(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert main(["kernel", *arguments]) == code
    return capsys.readouterr().out


def test_health_names_cause_and_remedy(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "health", "7.2", code=1)
    assert "! 11 kfuncs callable in no form" in text
    assert "pahole 1.31" in text
    assert "7.3.4+deb13 (bundled): sound" in out(capsys, "health", "7.3.4+deb13")
    values = json.loads(out(capsys, "health", "7.2", "--format", "json", code=1))
    assert [c["key"] for c in values["conditions"]][:2] == ["broken-implicit", "lost-tags"]
    assert len(values["conditions"][0]["functions"]) == 11


def test_program_types_of_another_kernel_are_said_to_be(capsys: pytest.CaptureFixture[str], without_types: str) -> None:
    assert "program types as in 7.2.12+deb13" in out(capsys, "health", without_types, code=1)
    assert "program types (as in 7.2.12+deb13): " in out(capsys, "show", without_types, "bpf_task_from_pid")


def test_a_line_of_health_where_a_kernel_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert "health: 11 kfuncs callable in no form" in out(capsys, "show", "7.2")
    assert "health:" not in out(capsys, "show", "7.3")
    assert "11 kfuncs callable in no form" in out(capsys, "list")


def test_a_function_with_program_types_and_filter(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "show", "7.3", "bpf_sock_destroy")
    assert "program types: TRACING (behind a filter)" in text
    assert "tracing_iter_filter lets it through in iter programs" in text


def test_json(capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads(out(capsys, "show", "7.3", "bpf_wq_set_callback", "--format", "json"))
    (function,) = values["functions"]
    assert function["implicit"] == ["struct bpf_prog_aux *aux"]
    assert function["hooks"][0]["program_types"] == ["BPF_PROG_TYPE_UNSPEC"]
    everything = json.loads(out(capsys, "show", "7.3", "--format", "json"))
    assert everything["kfuncs"] == 319
    listed = json.loads(out(capsys, "list", "--format", "json"))
    assert [kernel["name"] for kernel in listed["bundled"]] == bundled()


def test_diff(capsys: pytest.CaptureFixture[str]) -> None:
    text = out(capsys, "diff", "7.0", "7.3")
    assert "+ int bpf_list_add(" in text
    assert "~ bpf_obj_new: class" in text or "+ void *bpf_obj_new(" in text
    values = json.loads(out(capsys, "diff", "6.18", "7.0", "--format", "json"))
    names = {(c["name"], c["what"]) for c in values["changes"]}
    assert ("bpf_stream_vprintk", "added") in names
    assert ("bpf_stream_vprintk_impl", "removed") in names
    header = json.loads(out(capsys, "header", "7.0", "--format", "json"))
    assert header["header"] == out(capsys, "header", "7.0")
    table = out(capsys, "diff", "6.18", "7.0", "--format", "md")
    assert "| `bpf_stream_vprintk` | added |" in table
    assert "no change" in out(capsys, "diff", "7.3", "7.3")
    assert out(capsys, "diff", "7.3", "7.3", "--format", "md").splitlines()[2:] == ["no change."]


def test_an_image_and_its_modules(capsys: pytest.CaptureFixture[str], image: Path) -> None:
    nf = str(image.parent / "nf.ko")
    text = out(capsys, "show", str(image), "bpf_ct_release", "--modules", nf)
    assert "in module nf, which must be loaded first" in text
    assert "program types: XDP" in text
    pack = image.parent / "mine.kpack"
    assert "2 kfuncs" in out(capsys, "export", str(image), "--modules", nf, "-o", str(pack))
    assert "in module nf" in out(capsys, "show", str(pack), "bpf_ct_release")
    changes = json.loads(out(capsys, "diff", str(image), str(pack), "--format", "json"))["changes"]
    assert [(c["name"], c["what"]) for c in changes] == [("bpf_ct_release", "added")]


def test_targets_wherever_a_kernel_is_wanted(
    capsys: pytest.CaptureFixture[str], image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = image.parent
    (folder / "kfunc-lsp.toml").write_text('[targets]\nlab = "./vmlinuz"\nfleet = "6.1[28].*"\ngone = "./*.kpack"\n')
    monkeypatch.chdir(folder)
    assert "lab (" in out(capsys, "show", "lab")
    assert "kfunc" in out(capsys, "show", "lab", "bpf_core")
    assert "lab (" in out(capsys, "health", "lab")
    assert "bpf_core(" in out(capsys, "header", "lab")
    assert "no change" in out(capsys, "diff", "./vmlinuz", "lab")
    assert "1 kfunc" in out(capsys, "export", "lab", "-o", "lab.kpack")
    assert main(["kernel", "show", "fleet"]) == 2
    assert "fleet: stands for 2 kernels, and one is wanted; give one of 6.18.15+deb13, 6.12" in capsys.readouterr().err
    exported = json.loads(out(capsys, "export", "lab", "-o", "lab.kpack", "--format", "json"))
    assert (exported["file"], exported["bytes"]) == ("lab.kpack", (folder / "lab.kpack").stat().st_size)
    (folder / "lab.kpack").unlink()
    text = out(capsys, "list")
    assert "targets of kfunc-lsp.toml:\n  fleet  6.18.15+deb13, 6.12.107+deb13\n  gone " in text
    assert json.loads(out(capsys, "list", "--format", "json"))["targets"][2] == {
        "name": "lab",
        "kernels": [str(folder / "vmlinuz")],
        "problem": None,
    }


@pytest.mark.skipif(shutil.which("clang-19") is None, reason="needs clang-19")
def test_the_header_compiles(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    header = tmp_path / "kfuncs.h"
    assert out(capsys, "header", "7.3", "-o", str(header)) == ""
    text = header.read_text()
    assert "void *bpf_obj_new(u64 local_type_id__k) __weak __ksym;" in text
    assert "scx_bpf_dsq_insert___v2___kernel(" in text
    assert "bpf_wq_set_callback_impl" not in text
    assert "bpf_fentry_test1" not in text
    source = tmp_path / "p.bpf.c"
    source.write_text('#include "kfuncs.h"\nvoid *p(void) { return (void *)bpf_wq_set_callback; }\n')
    command = ["clang-19", "-target", "bpf", "-Wall", "-Werror", "-g", "-O2", "-c", str(source), "-o", "/dev/null"]
    subprocess.run(command, check=True, timeout=60)
