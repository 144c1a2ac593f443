"""A small x86-64 kernel image: kfunc sets, what registers them, and the boot image around it.

    image = KernelBuilder(btf_builder)
    image.register(0, XDP)
    image.register(1, STRUCT_OPS, looks_at=[0])

The machine code and the layouts are spelled out here a second time, apart from the code under test.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import zlib
from collections.abc import Sequence

import lz4.block
import lzallright
import zstandard

from kfunc_lsp.image.code import Code, Section
from tests.btfbuilder import BtfBuilder

TEXT, RODATA, IDS = 0xFFFFFFFF81000000, 0xFFFFFFFF82000000, 0xFFFFFFFF8300FFF0
REGISTER, FMODRET = TEXT, TEXT + 0x40
SOCKET_FILTER, KPROBE, SCHED_CLS, XDP, TRACING, STRUCT_OPS, LSM, SYSCALL = 1, 2, 3, 6, 26, 27, 29, 31
SHT_PROGBITS, SHT_STRTAB = 1, 3
ALLOC, EXEC = 2, 4


class KernelBuilder:
    """One image; sets go by their place among the builder's."""

    def __init__(self, btf: BtfBuilder, *, has_filter: bool = True, padding: int = 3) -> None:
        """``padding`` words of other things stand before the sets; ``has_filter`` as for the kernel's struct."""
        self.btf = btf
        self.ids = struct.pack("<I", 7) * padding + btf.btf_ids()
        self._padding = 4 * padding
        self._text = bytearray(b"\xc3".ljust(0x80, b"\x90"))
        self._rodata = bytearray(64)
        self._has_filter = has_filter

    def set_address(self, index: int) -> int:
        """Where the set is in memory."""
        at = self._padding
        for _ in range(index):
            at += 8 + 8 * struct.unpack_from("<I", self.ids, at)[0]
        return IDS + at

    def kset(self, index: int, filter_address: int = 0) -> int:
        """A ``struct btf_kfunc_id_set`` over the set; its address."""
        address = RODATA + len(self._rodata)
        self._rodata += struct.pack("<QQ", 0, self.set_address(index))
        if self._has_filter:
            self._rodata += struct.pack("<Q", filter_address)
        return address

    def filter(self, looks_at: Sequence[int]) -> int:
        """A filter that looks at these sets; its address."""
        address = TEXT + len(self._text)
        self._text += b"\xf3\x0f\x1e\xfa"
        for index in looks_at:
            self._text += b"\x48\xc7\xc6" + struct.pack("<I", self.set_address(index) + 8 & 0xFFFFFFFF)
        self._text += b"\xc3" + b"\xcc" * 7 + b"\xf3\x0f\x1e\xfa"
        return address

    def register(self, index: int, program_type: int | None, *, looks_at: Sequence[int] | None = None) -> None:
        """Code that registers the set (``None``: with fmod_ret), with a filter where ``looks_at`` is given."""
        kset = self.kset(index, 0 if looks_at is None else self.filter(looks_at))
        low = struct.pack("<I", kset & 0xFFFFFFFF)
        if program_type is None:
            self.emit(b"\x48\xc7\xc7" + low, FMODRET)
        elif program_type == 0:
            self.emit(b"\x48\xc7\xc6" + low + b"\x31\xff", REGISTER)
        else:
            self.emit(b"\x48\xc7\xc6" + low + b"\xbf" + struct.pack("<I", program_type), REGISTER)

    def emit(self, code: bytes, call: int) -> None:
        """``code``, and a call."""
        self._text += code + b"\xe8"
        self._text += struct.pack("<i", call - (TEXT + len(self._text) + 4))

    def place(self) -> int:
        """The address of the next instruction."""
        return TEXT + len(self._text)

    def code(self) -> Code:
        sections = (
            Section(".text", TEXT, bytes(self._text), True),
            Section(".rodata", RODATA, bytes(self._rodata), False),
        )
        return Code("x86_64", sections, IDS, {})

    def vmlinux(self) -> bytes:
        """The ELF file."""
        rodata = bytes(self._rodata) + b"Linux version 7.3.4-test (x)\0"
        return elf64(
            [
                (".text", bytes(self._text), TEXT, ALLOC | EXEC),
                (".rodata", rodata, RODATA, ALLOC),
                (".BTF", self.btf.build(), RODATA + 0x100000, ALLOC),
                (".BTF_ids", self.ids, IDS, ALLOC),
            ]
        )


def elf64(sections: Sequence[tuple[str, bytes, int, int]], machine: int = 62) -> bytes:
    """An ELF file, x86-64 unless told, of sections: name, content, address, flags."""
    names, content, headers = b"\0", b"", [bytes(64)]
    for name, data, address, flags in [*sections, (".shstrtab", b"", 0, 0)]:
        name_off = len(names)
        names += name.encode() + b"\0"
        kind = SHT_PROGBITS
        if name == ".shstrtab":
            data, kind = names, SHT_STRTAB
        header = (name_off, kind, flags, address, 64 + len(content), len(data), 0, 0, 1, 0)
        headers.append(struct.pack("<IIQQQQIIQQ", *header))
        content += data
    count = len(headers)
    head = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, 0, 0, 64 + len(content), 0, 64, 0, 0, 64, count, count - 1)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + head + content + b"".join(headers)


def packed(data: bytes, form: str) -> bytes:
    """``data`` as a kernel's build compresses it."""
    if form == "gzip":
        return gzip.compress(data, mtime=0)
    if form == "xz":
        return lzma.compress(data, check=lzma.CHECK_CRC32)
    if form == "lzma":
        return lzma.compress(data, lzma.FORMAT_ALONE)
    if form == "bzip2":
        return bz2.compress(data)
    if form == "zstd":
        return zstandard.ZstdCompressor(write_content_size=False).compress(data)
    if form == "lz4":
        blocks = [lz4.block.compress(data[i : i + (8 << 20)], store_size=False) for i in range(0, len(data), 8 << 20)]
        return b"\x02\x21\x4c\x18" + b"".join(struct.pack("<I", len(block)) + block for block in blocks)
    if form == "lzo":
        return lzop(data)
    return data


def lzop(data: bytes) -> bytes:
    """``data`` as ``lzop -9`` writes what comes from a pipe: with a checksum of each block's content."""
    blocks = b""
    for at in range(0, len(data), 1 << 18):
        block = data[at : at + (1 << 18)]
        small = min(lzallright.LZOCompressor().compress(block), block, key=len)
        blocks += struct.pack(">III", len(block), len(small), zlib.adler32(block)) + small
    header = struct.pack(">HHHBBIIIIB", 0x1040, 0x20A0, 0x0940, 3, 9, 0x0300000D, 0, 0, 0, 0)
    magic = b"\x89LZO\0\r\n\x1a\n"
    return magic + header + struct.pack(">I", zlib.adler32(header)) + blocks + bytes(4)


def bzimage(payload: bytes, *, version: int = 0x20F, size: int | None = None, offset: int = 0x40) -> bytes:
    """A bzImage around ``payload``, whose unpacked size follows it as in most forms."""
    setup = bytearray(5 * 512)
    setup[0x1F1] = 4
    setup[0x202:0x206] = b"HdrS"
    struct.pack_into("<H", setup, 0x206, version)
    struct.pack_into("<H", setup, 0x20E, 0x300)
    setup[0x500:0x520] = b"7.3.4-boot (x@y) #1".ljust(32, b"\0")
    struct.pack_into("<II", setup, 0x248, offset, len(payload) + 4 if size is None else size)
    return bytes(setup) + bytes(0x40) + payload + struct.pack("<I", len(payload) * 3) + bytes(64)
