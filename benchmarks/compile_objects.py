"""Compile real programs to objects, for tests and benchmarks of ``kfunc_lsp.object``.

    python benchmarks/compile_objects.py COMPILE_COMMANDS FOLDER   the programs of a compilation database
    python benchmarks/compile_objects.py SHARED FOLDER             the cases of SHARED/data/verdicts, for each kernel

The object of ``ROOT/a/b.c`` becomes ``FOLDER/a/b.o``, where ROOT is the folder of the database; the one of a case
``FOLDER/KERNEL/CASE.bpf.o``. Objects that are there already and newer than their program are kept. Needs clang-19, and
bpftool for the cases.
"""

from __future__ import annotations

import json
import lzma
import os
import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

CLANG = "clang-19"


def build(source: Path, target: Path, arguments: Sequence[str], directory: str | None = None) -> bool:
    """Whether there is an object of ``source`` at ``target`` now; ``arguments`` are clang's, less its name."""
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return True
    target.parent.mkdir(parents=True, exist_ok=True)
    kept = [a for i, a in enumerate(arguments) if a != "-o" and (i == 0 or arguments[i - 1] != "-o")]
    command = [CLANG, *kept, "-w", "-o", str(target)]
    return subprocess.run(command, cwd=directory, capture_output=True, check=False).returncode == 0


Commands = Mapping[str, tuple[list[str], str]]
"""clang's arguments, and the folder that they are for, by program relative to some root."""


def commands_of(database: Path) -> Commands:
    """The commands of a compilation database, relative to its folder."""
    return {
        os.path.relpath(entry["file"], database.parent): (entry["arguments"][1:], entry["directory"])
        for entry in json.loads(database.read_text())
    }


def build_all(root: Path, commands: Commands, folder: Path) -> dict[str, Path]:
    """The objects of the programs that compile, by program."""
    targets = {name: (folder / name).with_suffix(".o") for name in commands}

    def one(name: str) -> bool:
        return build(root / name, targets[name], *commands[name])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {name: targets[name] for name, made in zip(commands, pool.map(one, commands), strict=True) if made}


def build_cases(shared: Path, headers: Path, folder: Path) -> dict[tuple[str, str], Path]:
    """The verdict cases that compile, by case and kernel; ``headers`` holds libbpf's ``bpf/`` folder."""
    cases = sorted((shared / "data" / "verdicts" / "cases").glob("*.bpf.c"))
    targets = {}
    for packed in sorted((shared / "data" / "kernels").glob("*.btf.xz")):
        kernel = packed.name.split("+")[0]
        own = folder / kernel / "include"
        _write_vmlinux_h(packed, own)
        plain = ["-target", "bpf", "-g", "-O2", "-mcpu=v3", "-D__TARGET_ARCH_x86"]
        plain += [f"-I{own}", f"-I{headers}", f"-I{cases[0].parent}", "-c"]
        for case in cases:
            flags = re.search(r"^// cflags:(.*)$", case.read_text(), re.MULTILINE)
            arguments = [*plain, *shlex.split(flags.group(1) if flags else ""), str(case)]
            name = case.name.removesuffix(".bpf.c")
            targets[name, kernel] = (case, folder / kernel / f"{name}.bpf.o", arguments)

    def one(key: tuple[str, str]) -> bool:
        return build(*targets[key])

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return {key: targets[key][1] for key, made in zip(targets, pool.map(one, targets), strict=True) if made}


def _write_vmlinux_h(packed: Path, folder: Path) -> None:
    """A kernel's vmlinux.h, without prototypes of kfuncs."""
    header = folder / "vmlinux.h"
    if header.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    raw = folder / "btf"
    raw.write_bytes(lzma.decompress(packed.read_bytes()))
    dump = ["bpftool", "btf", "dump", "file", str(raw), "format", "c"]
    text = subprocess.run(dump, capture_output=True, text=True, check=True).stdout
    header.write_text(re.sub(r"^extern [^\n]*__ksym;$", "", text, flags=re.MULTILINE))


def main(what: Path, folder: Path) -> None:
    if what.is_file():
        made: Collection[object] = build_all(what.parent, commands_of(what), folder)
    else:
        headers = folder / "headers"
        with tarfile.open(what / "data" / "corpus" / "linux-7.3-bpf.tar.xz") as archive:
            members = [m for m in archive.getmembers() if m.name.startswith("inc/bpf/")]
            archive.extractall(headers, members, filter="data")
        made = build_cases(what, headers / "inc", folder)
    print(f"{len(made)} objects")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
