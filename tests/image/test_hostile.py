"""Files made to cost more than they are worth: each is an error, or a kernel, at a bounded cost.

Unbounded, each of these would take minutes or gigabytes.
"""

from __future__ import annotations

import bz2
import io
import struct
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kfunc_lsp.btf.types import Kind
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.targets import resolve
from tests.btfbuilder import BtfBuilder
from tests.image.kernelbuilder import ALLOC, EXEC, IDS, RODATA, TEXT, XDP, KernelBuilder, elf64, lzop, packed
from tests.image.modulebuilder import module

VMLINUX_H = "#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\n"
LOADS = b"\x48\xc7\xc6\1\2\3\4" * 1_050_000
KSET = RODATA + 64 & 0xFFFFFFFF
RELATIVE = struct.pack("<QQQ", TEXT, 1027, TEXT)
PROTO = struct.pack("<III", 0, Kind.FUNC_PROTO << 24, 0)


def btf(types: bytes, strings: bytes) -> bytes:
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings)) + types + strings


def func(name_off: int) -> bytes:
    return struct.pack("<III", name_off, Kind.FUNC << 24, 1)


def tag(target: int) -> bytes:
    return struct.pack("<IIII", 1, Kind.DECL_TAG << 24, target, 0xFFFFFFFF)


def with_ids(ids: bytes) -> bytes:
    b = BtfBuilder()
    for number in range(3000):
        b.kfunc(f"bpf_{number}", flags=1)
    return elf64(
        [
            (".text", b"\xc3" * 64, TEXT, ALLOC | EXEC),
            (".rodata", bytes(64), RODATA, ALLOC),
            (".BTF", b.build(), RODATA + 0x100000, ALLOC),
            (".BTF_ids", ids, IDS, ALLOC),
        ]
    )


def dense(text: bytes = b"", rodata: int = 0) -> bytes:
    b = BtfBuilder()
    b.kfunc("bpf_foo", flags=1)
    kernel = KernelBuilder(b)
    kernel.register(0, XDP)
    kernel._text += text
    kernel._rodata += struct.pack("<QQQ", 0, kernel.set_address(0), TEXT) * rodata
    return kernel.vmlinux()


def names_without_end() -> bytes:
    names, count = b"a" * (24 << 20), 500
    headers = [struct.pack("<IIQQQQIIQQ", at, 1, 0, 0, 64, 10, 0, 0, 1, 0) for at in range(count)]
    headers = [bytes(64), *headers, struct.pack("<IIQQQQIIQQ", 5, 3, 0, 0, 64, len(names), 0, 0, 1, 0)]
    shape = (2, 62, 1, 0, 0, 64 + len(names), 0, 64, 0, 0, 64, len(headers), len(headers) - 1)
    head = struct.pack("<HHIQQQIHHHHHH", *shape)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + head + names + b"".join(headers)


def boot_image(stream: bytes) -> bytes:
    """A boot image whose header does not tell where its payload is."""
    setup = bytearray(5 * 512)
    setup[0x202:0x206] = b"HdrS"
    return bytes(setup) + stream * 500


def archive() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for number in range(20):
            info = tarfile.TarInfo(str(number))
            info.size = 1 << 20
            tar.addfile(info, io.BytesIO(bytes(1 << 20)))
    return packed(out.getvalue(), "gzip")


def lzo_bomb() -> bytes:
    block = packed(bytes(30 << 20), "lzo")[-200_000:-4]
    return lzop(b"x")[:-4] + struct.pack(">III", 1 << 18, len(block), 0) + block + bytes(4)


def crowded(symbols: int, relocations: int) -> bytes:
    """A module with so many more of these, and names of symbols that have no end."""
    b = BtfBuilder()
    b.kfunc("bpf_foo", flags=1)
    data = bytearray(module(b, [XDP]))
    (table,) = struct.unpack_from("<Q", data, 0x28)
    (count,) = struct.unpack_from("<H", data, 0x3C)
    extra = {2: struct.pack("<IBBHQQ", 0, 0x10, 0, 0, 0, 0) * symbols, 4: bytes(24) * relocations, 3: b"a" * (8 << 20)}
    for at in range(table, table + 64 * count, 64):
        (kind,) = struct.unpack_from("<I", data, at + 4)
        if kind in extra and (kind != 3 or at < table + 64 * (count - 1)):
            struct.pack_into("<QQ", data, at + 0x18, len(data), len(extra[kind]))
            data += extra.pop(kind)
    return bytes(data)


def flat_image(content: bytes) -> bytes:
    """A flat Image of arm64 that begins with ``content``, and has a kfunc."""
    b = BtfBuilder()
    b.kfunc("bpf_foo", flags=1)
    types = b.build() + bytes(-len(b.build()) % 4)
    return b"".ljust(0x38, b"\0") + b"ARM\x64".ljust(8, b"\0") + content + types + b.btf_ids()


FILES: dict[str, Callable[[], bytes]] = {
    "more types than ids": lambda: btf(struct.pack("<IIII", 1, 1 << 24, 4, 32) * 1_100_000, b"\0int\0"),
    "more types than memory": lambda: btf(PROTO * 6_000_000, b"\0"),
    "more strings than offsets": lambda: btf(PROTO, b"\0" + b"a" * (17 << 20) + b"\0"),
    "kfuncs without end": lambda: btf(
        PROTO + func(11) * 99_000 + b"".join(map(tag, range(2, 99_002))), b"\0bpf_kfunc\0x\0"
    ),
    "a name of megabytes": lambda: btf(PROTO + func(11) + tag(2), b"\0bpf_kfunc\0" + b"a" * (8 << 20) + b"_impl\0"),
    "names that share their end": lambda: btf(
        PROTO + b"".join(func(11 + at) for at in range(100_000)) + tag(2),
        b"\0bpf_kfunc\0" + b"a" * 100_000 + b"_impl\0",
    ),
    "control characters": lambda: btf(PROTO + func(11) + tag(2), b"\0bpf_kfunc\0bpf_\x1b[2J\0"),
    "a vast .BTF_ids": lambda: with_ids(bytes(32 << 20)),
    "sets that claim much": lambda: with_ids(struct.pack("<II", 30_000, 1) * 30_000),
    "sets within sets": lambda: with_ids(b"".join(struct.pack("<II", at, 1) for at in range(2, 9000, 3)) * 10),
    "code of nothing but registrations": lambda: (
        dense(b"\x48\xc7\xc6" + struct.pack("<I", RODATA + 64 & 0xFFFFFFFF)) * 1
    ),
    "section names without end": names_without_end,
    "streams that are no kernel": lambda: boot_image(bz2.compress(bytes(900_000))),
    "an archive of zeros": archive,
    "headers of BTF without end": lambda: flat_image(btf(b"", b"")[:24] * 1_000_000),
    "a table of relocations without end": lambda: flat_image(RELATIVE * 600_000),
    "tables of relocations without end": lambda: flat_image((RELATIVE * 257 + bytes(8)) * 2_500),
    "a block that unpacks to megabytes": lzo_bomb,
    "symbols without end": lambda: crowded(530_000, 1),
    "relocations without end": lambda: crowded(10, 2_100_000),
    "names of symbols without end": lambda: crowded(100_000, 1),
    "lines that never end a statement": lambda: (VMLINUX_H + "extern a\n" * 200_000).encode(),
    "a declaration of nothing but attributes": lambda: (
        VMLINUX_H + "extern " + " __a" * 100_000 + " __ksym;\n"
    ).encode(),
    "typedefs that double": lambda: (
        VMLINUX_H
        + "typedef int t0;\n"
        + "".join(f"typedef void (*t{n})(t{n - 1}, t{n - 1});\n" for n in range(1, 60))
        + "extern void bpf_f(t59 a) __weak __ksym;\n"
    ).encode(),
}


LARGE = {"more types than ids", "more types than memory"}


@pytest.mark.parametrize("what", [pytest.param(w, marks=pytest.mark.slow if w in LARGE else ()) for w in FILES])
def test_it_is_a_kernel_or_an_error(tmp_path: Path, what: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(FILES[what]())
    (tmp_path / "vmlinux").write_bytes(dense())
    try:
        kernel = resolve(str(path))
    except KfuncLspError as error:
        words = str(error)
    else:
        assert all(function.prototype is not None for function in kernel.functions.values())
        return
    assert str(path) in words
    assert words.isprintable()


def test_what_is_not_read_to_the_end_tells_no_program_types(tmp_path: Path) -> None:
    for data in (dense(LOADS), dense(rodata=70_000)):
        (tmp_path / "vmlinux").write_bytes(data)
        assert resolve(str(tmp_path / "vmlinux")).functions["bpf_foo"].hooks is None
