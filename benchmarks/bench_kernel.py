"""CPU time from a kernel's bytes to a ready index, beside what bpftool takes to print the same BTF.

    python benchmarks/bench_kernel.py VMLINUX_BTF [BTF_IDS] [--image VMLINUZ [--modules FOLDER]]

Everything is measured in one run, since only ratios carry over from machine to machine. Python's own start
and the import of the package are not part of the times; bpftool's start is part of its.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kfunc_lsp.image import cache
from kfunc_lsp.kernel.targets import bundled, export_pack, resolve

ROUNDS = 9


def cpu_of(action: Callable[[], object]) -> float:
    """The least CPU seconds of several rounds, of this process."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        action()
        times.append(time.process_time() - start)
    return min(times)


def cpu_of_command(command: list[str]) -> float:
    """The least CPU seconds of several rounds, of a child."""
    times = []
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def image_rows(image: str, modules: list[Path]) -> dict[str, float]:
    """CPU seconds of an image, and of its modules, without the cache and with it."""
    rows = {"vmlinuz to index": cpu_of(lambda: resolve(image))}
    if modules:
        start = time.process_time()
        resolve(image, modules=modules)
        rows["vmlinuz and modules, once"] = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        os.environ[cache.VARIABLE] = folder
        resolve(image)
        rows["vmlinuz to index, cached"] = cpu_of(lambda: resolve(image))
    os.environ[cache.VARIABLE] = ""
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="CPU time from a kernel's bytes to a ready index")
    parser.add_argument("btf", type=Path, help="raw BTF of a kernel, or its vmlinux")
    parser.add_argument("btf_ids", type=Path, nargs="?", help="the .BTF_ids that go with a raw BTF")
    parser.add_argument("--image", type=Path, help="a vmlinuz, to read without and with the cache")
    parser.add_argument("--modules", type=Path, help="a folder of its modules")
    arguments = parser.parse_args()
    os.environ[cache.VARIABLE] = ""
    path: Path = arguments.btf.resolve()
    ids: Path | None = arguments.btf_ids

    rows = {"BTF to index": cpu_of(lambda: resolve(str(path), ids))}
    rows["BTF to pack"] = cpu_of(lambda: export_pack(str(path), ids))
    rows[f"pack {bundled()[0]} to index"] = cpu_of(lambda: resolve(bundled()[0]))
    if arguments.image:
        rows |= image_rows(str(arguments.image.resolve()), [arguments.modules] if arguments.modules else [])
    bpftool = shutil.which("bpftool")
    if bpftool:
        rows["bpftool, raw"] = cpu_of_command([bpftool, "btf", "dump", "file", str(path), "format", "raw"])
        rows["bpftool, C"] = cpu_of_command([bpftool, "btf", "dump", "file", str(path), "format", "c"])
    unit = rows["BTF to index"]
    for what, seconds in rows.items():
        print(f"{what:32} {seconds * 1000:8.1f} ms {seconds / unit:8.2f}")
    print(f"most memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10} MB")


if __name__ == "__main__":
    main()
