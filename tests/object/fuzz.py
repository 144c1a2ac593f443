"""Objects that nobody built: damaged ones of both byte orders, and archives.

    python -m tests.object.fuzz [COUNT] [SEED]

Whatever happens must be an ``ObjectError`` or a unit whose every answer can be had, in bounded time. The run ends with
counts, or with the first input that broke the promise, written to ``fuzz-failure``.
"""

from __future__ import annotations

import io
import random
import struct
import sys
import time
from collections import Counter
from pathlib import Path

from kfunc_lsp.check import check
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.object.archive import objects
from kfunc_lsp.object.read import read_object
from kfunc_lsp.unit.model import SourceFile, Unit
from tests.btfbuilder import BtfBuilder

DATA = Path(__file__).parent / "data"
SEEDS = [(DATA / name).read_bytes() for name in ("el.bpf.o", "eb.bpf.o", "without-btf.bpf.o", "lib.a")]
MAGIC_NUMBERS = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0xFFFF, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)
LIMIT = 2.0
KNOWN = frozenset(("bpf_a", "bpf_weak"))


def kernel() -> Kernel:
    builder = BtfBuilder()
    builder.implicit_kfunc("bpf_weak", builder.integer(), [("wq", builder.ptr(builder.struct("bpf_wq")))])
    builder.kfunc("bpf_a", builder.integer(), [("wq", builder.ptr(builder.struct("bpf_wq")))])
    return builder.kernel()


def no_source(path: str) -> SourceFile | None:
    return None


def visit(unit: Unit, kernel: Kernel) -> None:
    """Ask a unit for everything that a rule could ask it for."""
    for use in unit.uses:
        assert use.span.file.position(use.span.start)
        assert use.span.end <= len(use.span.file.text) + 1
        unit.reach(use, lambda name: None)
        unit.presence(use)
    for function in unit.functions.values():
        assert all(mention.guards is not None for mention in function.mentions)
    for declarations in unit.declarations.values():
        assert all(declaration.type and declaration.span for declaration in declarations)
    check(unit, [kernel])


def judge(data: bytes, kernel: Kernel) -> bool:
    """Read ``data`` as the tool does; whether it is an object."""
    try:
        for name, file in objects("fuzz.o", io.BytesIO(data)):
            visit(read_object(name, file, no_source, KNOWN), kernel)
    except KfuncLspError as error:
        if not str(error).startswith("fuzz.o"):
            raise AssertionError(f"an error that does not name the file: {error}") from error
        return False
    return True


def changed(data: bytes, rng: random.Random) -> bytes:
    """``data`` with a few changes: bits, bytes, numbers of ill repute, pieces that are missing or repeated."""
    out = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(out) or 1)
        match rng.randrange(7):
            case 0 if out:
                out[at] ^= 1 << rng.randrange(8)
            case 1:
                out[at : at + 1] = rng.randbytes(1)
            case 2:
                out[at : at + 4] = struct.pack("<I", rng.choice(MAGIC_NUMBERS))
            case 3:
                out[at : at + 8] = struct.pack("<Q", rng.choice(MAGIC_NUMBERS) << rng.choice((0, 32)))
            case 4:
                del out[at : at + rng.randint(1, 64)]
            case 5:
                out[at:at] = out[at : at + rng.randint(1, 64)]
            case _:
                del out[rng.randrange(len(out) or 1) :]
    return bytes(out)


def fuzz(count: int, seed: int) -> Counter[str]:
    """Judge so many inputs; how many were objects and how many errors. An input that raises is written down."""
    rng = random.Random(seed)
    target = kernel()
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        data = changed(rng.choice(SEEDS), rng)
        began = time.process_time()
        try:
            outcomes["objects" if judge(data, target) else "errors"] += 1
            assert time.process_time() - began < LIMIT, "took too long"
        except BaseException:
            Path("fuzz-failure").write_bytes(data)
            raise
    return outcomes


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    print(fuzz(*(arguments + [100_000, 1][len(arguments) :])))
