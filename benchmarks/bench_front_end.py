"""How fast C is read: a corpus cold and in one process, beside clang; then random edits.

    python benchmarks/bench_front_end.py COMPILE_COMMANDS [--kernel K] [--clang clang-19]

Times are CPU time of this process (clang's: of its processes), so a ratio to clang holds on any machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import resource
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

from kfunc_lsp.check import known_names
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.project import Disk
from kfunc_lsp.server import COLLECTION
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.flags import Flags, parse_arguments
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import SourceFile

EDITS = 2000
PER_FILE = 20
TYPED = (
    ";", ")", "}", '"', "{", "x", "x = f(", "p->", "/*", "\n", "", "if (", "#if 0\n", "bpf_", "return 0;", "(",
    "#define X 1\n", "\\",
)  # fmt: skip


@dataclass(frozen=True)
class Command:
    """How one file is compiled."""

    file: str
    arguments: Sequence[str]
    folder: str

    @property
    def flags(self) -> Flags:
        return parse_arguments(self.arguments, self.folder)


def spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    middle, high = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
    return f"median {middle * 1e3:.2f} ms, p95 {high * 1e3:.2f} ms, max {ordered[-1] * 1e3:.2f} ms"


def read_all(commands: Sequence[Command], known: frozenset[str]) -> tuple[dict[str, float], list[Command]]:
    """CPU seconds per file, headers read as they come; and the files that use kfuncs."""
    disk = Disk()
    cache = HeaderCache(disk)
    seconds: dict[str, float] = {}
    users = []
    for command in commands:
        start = time.process_time()
        unit = read_unit(disk.program(command.file), cache, command.flags, known)
        seconds[command.file] = time.process_time() - start
        if unit.uses:
            users.append(command)
    return seconds, users


def clang_seconds(clang: str, commands: Sequence[Command]) -> float:
    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = used()
    for command in commands:
        arguments = [clang, "-fsyntax-only", *(a for a in command.arguments if a != "-c")]
        subprocess.run(arguments, cwd=command.folder, capture_output=True, check=False)
    return used() - start


def open_cold(commands: Sequence[Command], known: frozenset[str]) -> list[float]:
    """Seconds to read each file with nothing known before."""
    seconds = []
    for command in commands:
        disk = Disk()
        start = time.process_time()
        read_unit(disk.program(command.file), HeaderCache(disk), command.flags, known)
        seconds.append(time.process_time() - start)
    return seconds


def open_warm(commands: Sequence[Command], known: frozenset[str]) -> list[float]:
    """Seconds to read each file for the first time, its headers known."""
    seconds = []
    disk = Disk()
    cache = HeaderCache(disk)
    for command in commands:
        text = disk.program(command.file).text
        read_unit(SourceFile(command.file, text), cache, command.flags, known)
        other = SourceFile(command.file + ".other.c", text)
        start = time.process_time()
        read_unit(other, cache, command.flags, known)
        seconds.append(time.process_time() - start)
    return seconds


def type_at_random(commands: Sequence[Command], known: frozenset[str]) -> list[float]:
    """Seconds that each of ``EDITS`` random edits costs, with the garbage collector as the server has it."""
    generator = random.Random(7)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION)
    disk = Disk()
    cache = HeaderCache(disk)
    seconds: list[float] = []
    while len(seconds) < EDITS:
        command = generator.choice(commands)
        flags = command.flags
        original = text = disk.program(command.file).text
        read_unit(SourceFile(command.file, text), cache, flags, known)
        for _ in range(PER_FILE):
            at = generator.randrange(len(text))
            text = text[:at] + generator.choice(TYPED) + text[at + generator.choice((0, 0, 1, 1, 3)) :]
            file = SourceFile(command.file, text)
            start = time.process_time()
            read_unit(file, cache, flags, known)
            seconds.append(time.process_time() - start)
            if generator.random() < 0.3:
                text = original
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commands", help="a compile_commands.json")
    parser.add_argument("--kernel", default="7.3")
    parser.add_argument("--clang", default="clang-19")
    options = parser.parse_args()
    gc.set_threshold(50_000, 20, 50)
    with open(options.commands, encoding="utf-8") as handle:
        commands = [Command(e["file"], e["arguments"][1:], e["directory"]) for e in json.load(handle)]
    known = known_names([resolve(options.kernel)])

    seconds, users = read_all(commands, known)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{len(commands)} files in one process: {sum(seconds.values()):.2f} s cpu, {peak} MiB")
    sample = random.Random(40).sample(commands, min(40, len(commands)))
    own, theirs = sum(seconds[c.file] for c in sample), clang_seconds(options.clang, sample)
    print(f"{len(sample)} of them: {own:.2f} s, {options.clang} -fsyntax-only {theirs:.2f} s: 1/{theirs / own:.0f}")
    sample = random.Random(41).sample(users, min(60, len(users)))
    print(f"{len(sample)} files with kfuncs, cold: {spread(open_cold(sample, known))}")
    print(f"the same with their headers known: {spread(open_warm(sample, known))}")
    print(f"{EDITS} random edits: {spread(type_at_random(users, known))}")


if __name__ == "__main__":
    main()
