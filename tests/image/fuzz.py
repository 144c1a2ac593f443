"""A coverage-guided fuzzer of everything that reads kernels, without a library.

    python -m tests.image.fuzz [SECONDS] [SEED]

Inputs are small kernels of every form. One that makes a line run which none before did is kept and changed
further. Whatever happens must be a ``KfuncLspError`` or a kernel, within two seconds. The run ends with counts, or with
the first input that broke the promise, written to ``fuzz-failure``.
"""

from __future__ import annotations

import random
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.vmlinux_h import btf_of_header
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.image.file import Image, open_bytes
from kfunc_lsp.kernel.classify import build_kernel
from kfunc_lsp.kernel.model import Provenance
from kfunc_lsp.kernel.modules import with_modules
from kfunc_lsp.kernel.pack import Pack, PackedModule, PackMeta, write_pack
from tests.btf.test_vmlinux_h import HEADER
from tests.btfbuilder import VOID, BtfBuilder
from tests.image.kernelbuilder import STRUCT_OPS, XDP, KernelBuilder, bzimage, packed
from tests.image.modulebuilder import module

PACKAGE = str(Path(__file__).parents[2] / "kfunc_lsp")
LIMIT = 2.0
MAGIC_NUMBERS = (0, 1, 2, 4, 0x7F, 0x80, 0xFF, 0xFFFF, 1 << 16, (1 << 31) - 1, 1 << 31, (1 << 32) - 1)

Line = tuple[CodeType, int]


def base() -> BtfBuilder:
    b = BtfBuilder()
    task = b.ptr(b.struct("task_struct"))
    b.kfunc("bpf_a", b.integer(), [("p", task)], flags=(1, 0x20))
    b.implicit_kfunc("bpf_b", VOID, [("p", task)])
    return b


def seeds() -> list[bytes]:
    b = base()
    kernel = KernelBuilder(b)
    kernel.register(0, XDP, looks_at=[0, 1])
    kernel.register(1, STRUCT_OPS)
    vmlinux = kernel.vmlinux()
    split = BtfBuilder(b)
    split.kfunc("bpf_m", VOID, [("p", 2)], flags=2)
    pack = Pack(PackMeta("7.3"), b.build(), b.btf_ids(), b"\1\6\0", (PackedModule("m", b.build(), b.btf_ids()),))
    big = BtfBuilder(big_endian=True)
    big.kfunc("bpf_a")
    boot = [bzimage(packed(vmlinux + bytes(1500), form)) for form in ("gzip", "xz", "zstd", "lz4", "lzo", "none")]
    flat = b"\0" * 0x38 + b"ARM\x64" + bytes(64) + b.build() + bytes(-len(b.build()) % 4) + b.btf_ids() + bytes(64)
    return [
        b.build(),
        big.build(),
        vmlinux,
        module(split, [XDP]),
        module(split, [XDP], btf_base=b.build()),
        write_pack(pack),
        HEADER.encode(),
        flat,
        *boot,
    ]


def judge(data: bytes) -> None:
    """Read ``data`` as the tool does; whatever it is, a kernel or an error."""
    try:
        image = open_bytes("fuzz", data)
        if image.module:
            vmlinux = base()
            with_modules(vmlinux.kernel(), vmlinux.parse(), [image])
            return
        index(image)
    except KfuncLspError as error:
        if not str(error):
            raise AssertionError("an error without words") from error


def index(image: Image) -> None:
    raw = btf_of_header(image.header) if image.header else image.btf
    kernel = build_kernel(
        Btf.parse(raw),
        image.btf_ids,
        name="fuzz",
        release="",
        provenance=Provenance("image", "fuzz", ""),
        code=image.code,
        registrations=image.registrations,
    )
    kernel = with_modules(kernel, None, image.modules)
    for function in kernel.functions.values():
        assert function.prototype is not None
        assert function.implicit is not None


def changed(data: bytes, rng: random.Random, pool: list[bytes]) -> bytes:
    """``data`` with a few changes: bits, words, numbers of ill repute, pieces moved, repeated, or of another input."""
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
                other = rng.choice(pool)
                start = rng.randrange(len(other) or 1)
                out[at : at + 32] = other[start : start + 32]
    return bytes(out)


class Coverage:
    """Lines of the package that ran, ever."""

    def __init__(self) -> None:
        self.seen: set[Line] = set()
        self._new = False

    def run(self, action: Callable[[bytes], None], data: bytes) -> bool:
        """Whether ``action(data)`` ran a line that none before did."""
        self._new = False
        sys.settrace(self._enter)
        try:
            action(data)
        finally:
            sys.settrace(None)
        return self._new

    def _enter(self, frame: FrameType, event: str, argument: Any) -> Any:
        return self._line if frame.f_code.co_filename.startswith(PACKAGE) else None

    def _line(self, frame: FrameType, event: str, argument: Any) -> Any:
        line = (frame.f_code, frame.f_lineno)
        if line not in self.seen:
            self.seen.add(line)
            self._new = True
        return self._line


def fuzz(seconds: float, seed: int) -> int:
    """Run for so long; the number of inputs. Raises what an input raised, having written the input."""
    rng = random.Random(seed)
    coverage = Coverage()
    pool = seeds()
    for data in pool:
        coverage.run(judge, data)
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        data = changed(rng.choice(pool), rng, pool)
        began = time.process_time()
        try:
            # tracing is slow: most inputs are only judged
            if count % 4:
                judge(data)
            elif coverage.run(judge, data):
                pool.append(data)
            assert time.process_time() - began < LIMIT, "took too long"
        except BaseException:
            Path("fuzz-failure").write_bytes(data)
            raise
        count += 1
    print(f"{count} inputs, {len(pool)} kept, {len(coverage.seen)} lines reached (seed {seed})")
    return count


if __name__ == "__main__":
    fuzz(float(sys.argv[1]) if len(sys.argv) > 1 else 60, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
