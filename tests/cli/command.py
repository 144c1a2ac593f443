"""The command, run as a person runs it: here, where a process has nothing to add, or as one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from unittest import mock

from kfunc_lsp.cli import main

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "snooper.bpf.c"


def run(
    *arguments: str | Path, cwd: Path = ROOT, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """The command in this process, with files, variables and streams of its own."""
    argv = [str(argument) for argument in arguments]
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2)]
    entered = io.TextIOWrapper(io.BytesIO(stdin.encode()), "utf-8")
    here = os.getcwd()
    os.chdir(cwd)
    try:
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch.multiple(sys, stdin=entered, stdout=streams[0], stderr=streams[1]),
        ):
            code = main(argv)
    except SystemExit as left:
        code = int(left.code or 0)
    finally:
        os.chdir(here)
    out, err = (stream.buffer.getvalue().decode() for stream in streams)
    return subprocess.CompletedProcess(argv, code, out, err)


def process(*arguments: str | Path, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a process, from its start to its exit code."""
    return subprocess.run(
        [sys.executable, "-m", "kfunc_lsp", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        check=False,
    )
