"""Boot images to the kernel inside: x86's bzImage, EFI's zboot, arm64's and RISC-V's flat Image, s390's.

Finds and unpacks the payload; what it is (an ELF vmlinux, or flat memory) is ``file``'s business. Offsets are
those of ``Documentation/arch/x86/boot.rst``, ``drivers/firmware/efi/libstub/zboot-header.S`` and
``arch/s390/boot/head.S``.
"""

from __future__ import annotations

import io
import re
import struct
from collections import Counter
from collections.abc import Iterator
from itertools import islice

from kfunc_lsp.errors import ImageError
from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.image.compressed import MAGICS, decompress, first_bytes, form_of
from kfunc_lsp.image.relative import find_table, relocated

_X86 = (0x202, b"HdrS")
_ZBOOT = (4, b"zimg")
_S390 = (0x10008, b"S390EP")
_FLAT = (
    (0x38, b"ARM\x64", "aarch64"),
    (0x38, b"RSC\x05", "riscv"),
)
HEAD_SIZE = 0x10010
"""Bytes of a file that tell whether it is a boot image."""

_SETUP_SECTS = 0x1F1
_VERSION = 0x206
_RELEASE = 0x20E
_PAYLOAD = 0x248
_FIRST_WITH_PAYLOAD = 0x0208
_SECTOR = 512
_MIN_PAYLOAD = 1 << 10
_MAX_TRIES = 2
_MAX_CANDIDATES = 16
"""Of each form; by chance the bytes that begin one come once in 16 MiB or less."""

_BTF_HEADERS = {
    "<": re.compile(rb"\x9f\xeb\x01[\0-\xff]([\x18\x20])\0\0\0\0\0\0\0"),
    ">": re.compile(rb"\xeb\x9f\x01[\0-\xff]\0\0\0([\x18\x20])\0\0\0\0"),
}
"""By byte order, each searched for alone: a pattern that begins with bytes is found ten times as fast as one of two."""

_BANNER = re.compile(rb"Linux version ([0-9][!-~]{0,127}) ")
_MAX_HEADERS = 1 << 10
"""By chance nothing looks like one."""

_BTF_WORDS = {24: 4, 32: 6}
"""By the header's size: how many words are offsets and lengths, of types, strings and layout."""

_ELF_MAGIC = b"\x7fELF"
_IDS_SIZE = 1 << 17
_PADDING = bytes(64)
_PAGE = 1 << 12
_ARM64 = "aarch64"
_BLOCK = 1 << 27
_KERNEL_ADDRESS = (1 << 17) - 1
_SAMPLE = struct.Struct("<Q120x")
"""Of sixteen words, one is looked at; a kernel has hundreds of thousands of addresses."""


def is_boot_image(head: bytes) -> bool:
    """Whether a file that begins with ``head`` (``HEAD_SIZE`` bytes will do) is one of these."""
    return any(head.startswith(magic, at) for at, magic, *_ in (_X86, _ZBOOT, _S390, *_FLAT))


def flat_arch(head: bytes) -> str:
    """The ELF machine of a flat Image; empty where ``head`` does not begin one."""
    return next((arch for at, magic, arch in _FLAT if head.startswith(magic, at)), "")


def boot_arch(data: bytes) -> str:
    """The ELF machine of a boot image whose payload is flat and does not tell it; empty for any other."""
    return "s390" if data.startswith(_S390[1], _S390[0]) else ""


def release_of(data: bytes) -> str:
    """The release that a bzImage's header points to; empty where it tells none."""
    if not data.startswith(_X86[1], _X86[0]) or len(data) < _RELEASE + 2:
        return ""
    (pointer,) = struct.unpack_from("<H", data, _RELEASE)
    text = data[_SECTOR + pointer : _SECTOR + pointer + 256] if pointer else b""
    match = re.match(rb"[0-9][!-~]{0,127}(?=[ \0])", text)
    return match[0].decode("ascii") if match else ""


def flat_release(data: memoryview) -> str:
    """The release in the banner of a flat Image; empty where there is none."""
    match = _BANNER.search(data)
    return match[1].decode("ascii") if match else ""


def payload(data: bytes, what: str) -> io.BytesIO:
    """The kernel inside a boot image: where its header says, or else where compressed data begin.

    A flat Image is its own payload. Raises ``ImageError``, beginning with ``what``, where none can be unpacked.
    """
    if flat_arch(data[:0x40]) and not data.startswith(_ZBOOT[1], _ZBOOT[0]):
        return io.BytesIO(data)
    start, size = _place(data)
    form = form_of(data[start : start + 16])
    if size >= _MIN_PAYLOAD and start + size <= len(data):
        if form is not None:
            return decompress(memoryview(data)[start : start + size], form, what)
        if data.startswith(_ELF_MAGIC, start):
            return io.BytesIO(data[start : start + size])
    return _search(data, what)


def _place(data: bytes) -> tuple[int, int]:
    """Offset and size of the payload as the header has them; zeros where it has none."""
    if data.startswith(_X86[1], _X86[0]) and len(data) >= _PAYLOAD + 8:
        (version,) = struct.unpack_from("<H", data, _VERSION)
        if version >= _FIRST_WITH_PAYLOAD:
            offset, size = struct.unpack_from("<II", data, _PAYLOAD)
            return ((data[_SETUP_SECTS] or 4) + 1) * _SECTOR + offset, size
    elif data.startswith(_ZBOOT[1], _ZBOOT[0]) and len(data) >= 16:
        offset, size = struct.unpack_from("<II", data, 8)
        return offset, size
    return 0, 0


def _search(data: bytes, what: str) -> io.BytesIO:
    """The first of the compressed streams in ``data`` that unpacks to a kernel."""
    tries = 0
    failure = None
    any_content = bool(boot_arch(data))
    for magic, form in MAGICS:
        for at in islice(_places(data, magic), _MAX_CANDIDATES):
            head = first_bytes(memoryview(data)[at:], form)
            if head.startswith(_ELF_MAGIC) or flat_arch(head) or (any_content and len(head) >= _MIN_PAYLOAD):
                tries += 1
                try:
                    return decompress(memoryview(data)[at:], form, what)
                except ImageError as error:
                    failure = error
                if tries == _MAX_TRIES:
                    raise failure
    raise failure or ImageError(f"{what}: is a boot image without a payload that can be read; give its vmlinux")


def _places(data: bytes, magic: bytes) -> Iterator[int]:
    at = data.find(magic, 0x40)
    while at >= 0:
        yield at
        at = data.find(magic, at + 1)


def flat_sections(data: memoryview, what: str) -> tuple[bytes, bytes, int]:
    """The ``.BTF`` of a flat Image, the bytes after it, among which is its ``.BTF_ids``, and the offset of these.

    Raises ``ImageError``, beginning with ``what``, where no BTF is in it.
    """
    headers = ((order, match) for order, pattern in _BTF_HEADERS.items() for match in pattern.finditer(data))
    for order, match in islice(headers, _MAX_HEADERS):
        at, header = match.start(), match[1][0]
        if at + header > len(data):
            continue
        sections = struct.unpack_from(f"{order}{_BTF_WORDS[header]}I", data, at + 8)
        _, type_len, str_off, str_len = sections[:4]
        end = at + header + max(offset + size for offset, size in zip(sections[::2], sections[1::2], strict=True))
        strings = at + header + str_off
        if type_len and type_len <= str_off and str_len and end <= len(data) and not data[strings]:
            after = bytes(data[end + -end % 4 : end + _IDS_SIZE])
            start = (len(after) - len(after.lstrip(b"\0"))) & ~3
            offset = end + -end % 4 + start
            return bytes(data[at:end]), after[start : _ids_end(after, start, offset)], offset
    raise ImageError(f"{what}: holds no BTF; give a kernel built with CONFIG_DEBUG_INFO_BTF=y")


def flat_code(data: memoryview, arch: str, ids_offset: int) -> Code | None:
    """The memory of a flat Image as one section; ``None`` where it does not show its address, or is not arm64's.

    The image lies at a multiple of 128 MiB, or less than that above one, and what points into it points to where it
    was linked to be: nearly all addresses in it have the same upper bits.
    """
    if arch != _ARM64:
        return None
    sample = data[: len(data) - len(data) % _SAMPLE.size]
    blocks = Counter(word // _BLOCK for (word,) in _SAMPLE.iter_unpack(sample) if word >> 47 == _KERNEL_ADDRESS)
    if not blocks:
        return None
    base = max(blocks, key=lambda block: (blocks[block], -block)) * _BLOCK
    memory = Section("Image", base, bytes(data), True)
    return Code(arch, relocated((memory,), find_table(memory.data)), base + ids_offset, {})


def _ids_end(after: bytes, start: int, offset: int) -> int:
    """Where the section ends: zeros fill the page after it. There are some in it too, and its last word may be one."""
    for page in range(start + -offset % _PAGE, len(after), _PAGE):
        if after.endswith(_PADDING, start, page):
            end = len(after[start:page].rstrip(b"\0"))
            return start + end + -end % 4 + 4
    return len(after)
