"""The plugin in a real Neovim, with the server as installed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "editors" / "nvim"
BIN = Path(sys.executable).parent


def neovim(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = BIN / "nvim" if (BIN / "nvim").exists() else shutil.which("nvim")
    if program is None:
        pytest.skip("needs Neovim")
    environment = {"PATH": f"{BIN}:/usr/bin:/bin", "HOME": str(folder), "KFUNC_LSP": str(BIN / "kfunc-lsp")}
    command = [str(program), "--clean", "--headless", "-u", str(PLUGIN / "test" / "init.lua"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment, cwd=folder, check=False)


def workspace(folder: Path, kernel: str) -> Path:
    """A copy of the fixture for ``kernel``, with what the command line makes of its program."""
    made = folder / "workspace"
    shutil.copytree(ROOT / "editors" / "fixture", made)
    shutil.copytree(ROOT / "tests" / "include", made / "include")
    shutil.copy(ROOT / "examples" / "snooper.bpf.c", made)
    (made / "kfunc-lsp.toml").write_text(f'kernels = ["{kernel}"]\ninclude = ["include"]\n')
    (made / "fixed").mkdir()
    fixed = shutil.copy(made / "fixes.bpf.c", made / "fixed")
    subprocess.run([BIN / "kfunc-lsp", "check", "--fix-only", "--unsafe-fixes", fixed], check=True, timeout=60)
    return made


def test_what_a_person_sees(tmp_path: Path) -> None:
    run = neovim("-l", str(PLUGIN / "test" / "e2e.lua"), str(workspace(tmp_path, "7.3")), folder=tmp_path)
    print(run.stdout, run.stderr)
    assert run.returncode == 0
    assert ", 0 failed" in run.stdout


def test_the_test_fails_where_the_program_is_right(tmp_path: Path) -> None:
    run = neovim("-l", str(PLUGIN / "test" / "e2e.lua"), str(workspace(tmp_path, "6.18")), folder=tmp_path)
    assert run.returncode != 0
    assert "FAILED each once" in run.stdout


def test_the_help_has_tags(tmp_path: Path) -> None:
    folder = tmp_path / "doc"
    shutil.copytree(PLUGIN / "doc", folder)
    run = neovim("-c", f"helptags {folder}", "-c", "qall!", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    assert ":KfuncKernel\t" in (folder / "tags").read_text()
