"""Compressed bytes to what they stand for, within bounds.

Knows the forms that kernels, modules and archives come in, by their first bytes. gzip, bzip2, xz and lzma are
Python's own; zstd is from 3.14 on, and else, like lz4 and lzo, a library's of its own, asked for only when a
file needs it. Nothing is unpacked beyond ``MAX_SIZE``, whatever the data claim.
"""

from __future__ import annotations

import importlib
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any

from kfunc_lsp.errors import ImageError

MAX_SIZE = 1 << 28
"""A distribution's vmlinux without debug information has 60 to 100 MiB."""

_MAX_DICTIONARY = 1 << 27
"""Kernels are packed with xz or zstd at most with this."""

_MAX_XZ_MEMORY = _MAX_DICTIONARY + (1 << 20)
"""What the decompressor needs besides its dictionary is a fraction of it."""

_CHUNK = 1 << 18
_LONGEST_REASON = 100
_ZSTD_INPUT = 1 << 11
"""The library does not bound what it gives; from so little input it cannot be more than 64 MiB."""

_LZ4_BLOCK = 8 << 20
_LZOP_BLOCK = 1 << 18
"""The kernel's own decompressor takes no larger one; the library does not bound what it gives."""

_LZOP_HEADER = struct.Struct(">HHHBBIIIIB")

MAGICS: tuple[tuple[bytes, str], ...] = (
    (b"\x1f\x8b\x08", "gzip"),
    (b"\xfd7zXZ\0", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\x02\x21\x4c\x18", "lz4"),
    (b"\x04\x22\x4d\x18", "lz4 frame"),
    (b"\x89LZO\0\r\n\x1a\n", "lzo"),
    (b"\x5d\0\0", "lzma"),
)
"""First bytes, and the form's name."""

_LIBRARIES = {"zstd": "zstandard", "lz4": "lz4", "lz4 frame": "lz4", "lzo": "lzallright"}


def form_of(head: bytes) -> str | None:
    """The form of data that begin with ``head``; ``None`` where they are not compressed in a known one."""
    return next((form for magic, form in MAGICS if head.startswith(magic)), None)


def decompress(data: bytes | memoryview, form: str, what: str, limit: int = MAX_SIZE) -> io.BytesIO:
    """What ``data`` (of this ``form``; anything after its end is passed over) stand for, as a file.

    Raises ``ImageError``, beginning with ``what``, where they are damaged, cut, unpack to more than ``limit``
    bytes, or need a library that is not installed.
    """
    out = io.BytesIO()
    try:
        for chunk in _UNPACKERS[form](memoryview(data)):
            if out.tell() + len(chunk) > limit:
                raise ImageError(f"{what}: unpacks to more than {limit >> 20} MiB ({form}); no kernel file does")
            out.write(chunk)
    except ImportError as error:
        library = _LIBRARIES[form]
        raise ImageError(
            f"{what}: is compressed with {form}, and the Python library that reads it is missing ({error}); "
            f"install it: pip install {library}"
        ) from None
    except ImageError:
        raise
    except Exception as error:  # each library has errors of its own, whose types exist only once it is imported
        reason = str(error.args[0] if error.args else error)[:_LONGEST_REASON]
        raise ImageError(f"{what}: its {form} data are damaged or cut ({reason})") from None
    if not out.tell():
        raise ImageError(f"{what}: its {form} data are empty or cut")
    out.seek(0)
    return out


def first_bytes(data: bytes | memoryview, form: str) -> bytes:
    """What the beginning of compressed data unpacks to; empty where that is nothing, or cannot be told."""
    try:
        for chunk in _UNPACKERS[form](memoryview(data)):
            if chunk:
                return chunk
    except Exception:  # the caller will meet it again, and say what it is
        return b""
    return b""


def _bounded(data: memoryview, decompressor: Any) -> Iterator[bytes]:
    """The output of one of Python's decompressors, which say how much they give at most."""
    at = 0
    while not decompressor.eof:
        chunk = b""
        if decompressor.needs_input:
            chunk = bytes(data[at : at + _CHUNK])
            at += len(chunk)
            if not chunk:
                raise EOFError("the end is missing")
        yield decompressor.decompress(chunk, _CHUNK << 2)


def _gzip(data: memoryview) -> Iterator[bytes]:
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
    at, chunk = 0, b""
    while not inflater.eof:
        chunk = inflater.unconsumed_tail
        if not chunk:
            chunk = bytes(data[at : at + _CHUNK])
            at += len(chunk)
            if not chunk:
                raise EOFError("the end is missing")
        yield inflater.decompress(chunk, _CHUNK << 2)


def _zstd(data: memoryview) -> Iterator[bytes]:
    try:
        zstd = importlib.import_module("compression.zstd")
    except ImportError:
        zstandard = importlib.import_module("zstandard")
        decompressor = zstandard.ZstdDecompressor(max_window_size=_MAX_DICTIONARY).decompressobj()
        for at in range(0, len(data), _ZSTD_INPUT):
            yield decompressor.decompress(data[at : at + _ZSTD_INPUT])
            if decompressor.eof:
                return
        raise EOFError("the end is missing") from None
    window = {zstd.DecompressionParameter.window_log_max: _MAX_DICTIONARY.bit_length() - 1}
    yield from _bounded(data, zstd.ZstdDecompressor(options=window))


def _lz4(data: memoryview) -> Iterator[bytes]:
    """The legacy form that the kernel's build uses: blocks of 8 MiB, each with its packed size before it."""
    block = importlib.import_module("lz4.block")
    at = 4
    while at + 4 <= len(data):
        (size,) = struct.unpack_from("<I", data, at)
        at += 4
        if size > len(data) - at:
            return  # what is left is not a block but, in a boot image, the unpacked size
        unpacked = block.decompress(data[at : at + size], uncompressed_size=_LZ4_BLOCK)
        yield unpacked
        at += size
        if len(unpacked) < _LZ4_BLOCK:
            return


def _lz4_frame(data: memoryview) -> Iterator[bytes]:
    decompressor = importlib.import_module("lz4.frame").LZ4FrameDecompressor()
    yield from _bounded(data, decompressor)


def _lzo(data: memoryview) -> Iterator[bytes]:
    """The form of ``lzop``: a header, then blocks with both sizes and the checksums that the header announces."""
    decompress_block = importlib.import_module("lzallright").LZOCompressor.decompress
    _, _, _, _, _, flags, _, _, _, name_size = _LZOP_HEADER.unpack_from(data, 9)
    at = 9 + _LZOP_HEADER.size + name_size + 4
    unpacked_sums = bool(flags & 0x1) + bool(flags & 0x100)
    packed_sums = bool(flags & 0x2) + bool(flags & 0x200)
    while True:
        (unpacked,) = struct.unpack_from(">I", data, at)
        if not unpacked:
            return
        (packed,) = struct.unpack_from(">I", data, at + 4)
        if unpacked > _LZOP_BLOCK or packed > unpacked:
            raise ValueError("a block is larger than any of a kernel's")
        at += 8 + 4 * unpacked_sums + (4 * packed_sums if packed < unpacked else 0)
        content = bytes(data[at : at + packed])
        block = decompress_block(content, unpacked) if packed < unpacked else content
        if len(block) != unpacked:
            raise ValueError("a block has another size than it claims")
        yield block
        at += packed


def _xz(data: memoryview) -> Iterator[bytes]:
    import lzma

    yield from _bounded(data, lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_MAX_XZ_MEMORY))


def _lzma(data: memoryview) -> Iterator[bytes]:
    import lzma

    yield from _bounded(data, lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_MAX_XZ_MEMORY))


def _bzip2(data: memoryview) -> Iterator[bytes]:
    import bz2

    yield from _bounded(data, bz2.BZ2Decompressor())


_UNPACKERS: dict[str, Callable[[memoryview], Iterator[bytes]]] = {
    "gzip": _gzip,
    "xz": _xz,
    "lzma": _lzma,
    "bzip2": _bzip2,
    "zstd": _zstd,
    "lz4": _lz4,
    "lz4 frame": _lz4_frame,
    "lzo": _lzo,
}
