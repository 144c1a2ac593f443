"""What a check costs: one whole process on the example, and all programs of a compilation database in one process.

    python benchmarks/bench_check.py [compile_commands.json]

Times are cpu seconds unless marked wall. Run on an otherwise idle machine.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

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


if __name__ == "__main__":
    main()
