"""What checking against 1,000 kernels costs instead of one, as a ratio per file.

    python benchmarks/bench_fleet.py PROGRAM...

The kernels are variants of bundled ones, of the newest alone and of all of them, each without some families of
functions (`scx_bpf_*`, `bpf_crypto_*`), as other configurations are. Everything is in memory (warm); a file's cost is
reading and checking it.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Sequence

from kfunc_lsp.check import check, known_names
from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, resolve
from kfunc_lsp.programs import read_units
from kfunc_lsp.project import Disk, Project

KERNELS = 1000
MOST_MISSING = 3
"""Families that a variant lacks at most."""
ROUNDS = 3


def family(name: str) -> str:
    """The kfuncs that one option of the kernel's configuration brings, as far as names tell."""
    return "_".join(name.split("_")[:2])


def variants(bases: Sequence[Kernel], count: int = KERNELS) -> list[Kernel]:
    """Kernels that differ, in turns of ``bases``."""
    chance = random.Random(1)
    found = []
    for number in range(count):
        base = bases[number % len(bases)]
        families = sorted({family(name) for name in base.functions})
        missing = set(chance.sample(families, chance.randint(0, MOST_MISSING)))
        functions = {name: function for name, function in base.functions.items() if family(name) not in missing}
        found.append(replace(base, name=f"{base.name}-{number}", functions=functions))
    return found


def cost(files: Sequence[str], kernels: Sequence[Kernel]) -> float:
    """The least CPU seconds of a round over ``files``, once everything has been read."""
    known = known_names(kernels)
    project = Project(Disk())
    times = []
    for _ in range(ROUNDS + 1):
        began = time.process_time()
        for file in files:
            for unit in read_units(project, file, known):
                check(unit, kernels)
        times.append(time.process_time() - began)
    return min(times[1:])


def main(files: Sequence[str]) -> None:
    newest, *_ = every = [resolve(release) for release in sorted(bundled(), reverse=True)]
    one = cost(files, [newest])
    print(f"{newest.name}: {one / len(files) * 1000:.1f} ms a file")
    print(f"{KERNELS:,} variants of it: {cost(files, variants([newest])) / one:.2f} times that")
    print(f"{KERNELS:,} variants of {len(every)} releases: {cost(files, variants(every)) / one:.2f} times that")


if __name__ == "__main__":
    main(sys.argv[1:])
