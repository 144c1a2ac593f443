"""What a check costs: one whole process on the example, and all programs of a compilation database.

    python benchmarks/bench_check.py [compile_commands.json [SHARE]]

The programs are checked in one process for one kernel, then by the command line for five, beside what
``clang-19 -fsyntax-only`` takes for every SHARE-th of them (20 unless told). Times are cpu seconds unless marked wall.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.source.flags import parse_arguments
from kfunc_lsp.source.read import read_unit

ROOT = Path(__file__).parents[1]


def wall(command: list[str], runs: int = 9) -> float:
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    python = sys.executable
    bare = wall([python, "-c", "pass"])
    one = wall([python, "-m", "kfunc_lsp", "check", "examples/snooper.bpf.c", "--kernel", "7.3"])
    print(f"one file, bundled kernel, whole process: {one:.3f} s wall (bare python {bare:.3f} s)")
    if len(sys.argv) < 2:
        return
    kernels = [resolve("7.3")]
    known = known_names(kernels)
    project = Project(Disk())
    entries = json.loads(Path(sys.argv[1]).read_text())
    times = []
    for entry in entries:
        began = time.process_time()
        file = project.disk.program(entry["file"])
        flags = parse_arguments(entry["arguments"][1:], entry["directory"])
        check(read_unit(file, project.headers, flags, known), kernels)
        times.append(time.process_time() - began)
    times.sort()
    print(
        f"{len(times)} programs: {sum(times):.2f} s; each: median {statistics.median(times) * 1000:.1f} ms, "
        f"p95 {times[int(len(times) * 0.95)] * 1000:.1f} ms, max {times[-1] * 1000:.1f} ms"
    )
    beside_clang(entries, int(sys.argv[2]) if len(sys.argv) > 2 else 20)


def beside_clang(entries: list[dict[str, Any]], share: int) -> None:
    kernels = [word for name in ("6.12", "6.18", "7.0", "7.2", "7.3") for word in ("--kernel", name)]
    files = [entry["file"] for entry in entries]
    ours = children([[sys.executable, "-m", "kfunc_lsp", "check", "--exit-zero", *kernels, *files]])
    some = entries[::share]
    clang = [["clang-19", "-fsyntax-only", "-w", *(a for a in e["arguments"][1:] if a != "-c")] for e in some]
    theirs = children(clang) * len(entries) / len(some)
    print(
        f"{len(files)} programs, 5 kernels: {ours:.1f} s; clang-19 -fsyntax-only: {theirs:.0f} s; 1/{theirs / ours:.1f}"
    )


def children(commands: list[list[str]]) -> float:
    """Cpu seconds of all ``commands``."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for command in commands:
        subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
