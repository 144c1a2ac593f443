"""What is printed at a terminal: it fits, and long tasks are announced. What is piped is whole."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.cli.command import ROOT, run


def at_terminal(*command: str, columns: int) -> str:
    """What a person sees of a command."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            part = os.read(ours, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        seen += part
    os.close(ours)
    process.wait(60)
    return seen.decode().replace("\r\n", "\n")


TABLES = [
    ("list",),
    ("show", "7.2"),
    ("show", "7.2", "scx_bpf_kick_cpu"),
    ("show", "7.3", "bpf_strncasecmp"),
    ("health", "7.2"),
    ("diff", "6.18", "7.3"),
]


BETWEEN = "\f"
SEVERAL = f"""
import sys
from kfunc_lsp.cli import main
for arguments in {TABLES}:
    main(["kernel", *arguments])
    print("{BETWEEN}")
"""


@cache
def piped(*arguments: str) -> str:
    """What another program is given."""
    return run("kernel", *arguments, COLUMNS="72").stdout


@pytest.mark.parametrize("columns", [72, 100])
def test_lines_fit_the_terminal(columns: int) -> None:
    tables = at_terminal("-c", SEVERAL, columns=columns).split(BETWEEN)[:-1]
    for arguments, printed in zip(TABLES, tables, strict=True):
        shown = printed.rpartition("\r\033[K")[2]  # on a slow machine it says that it is reading, and takes that back
        assert max(map(len, shown.splitlines())) <= columns
        whole = piped(*arguments)
        assert max(map(len, whole.splitlines())) > 72
        assert re.sub(r"\s+", "", shown) == re.sub(r"\s+", "", whole)


LONG = """
import sys, time
from kfunc_lsp.cli.terminal import Progress
with Progress("reading something") as progress:
    time.sleep(0.8)
    progress.modules(3, 7)
    time.sleep(0.3)
    progress.clear()
    print("a finding")
"""


def test_what_takes_long_is_announced_and_leaves_nothing() -> None:
    shown = at_terminal("-c", LONG, columns=80)
    assert "reading something" in shown
    assert "reading modules: 3 of 7" in shown
    assert "\r\033[Ka finding\n" in shown
    assert shown.endswith(("\n", "\r\033[K"))


def test_nothing_is_announced_where_nobody_looks_on(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-c", LONG],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert (answer.stdout, answer.stderr) == ("a finding\n", "")
