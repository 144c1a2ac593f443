"""A file of any supported form to the sections of a kernel: raw BTF, an ELF vmlinux, a kernel pack.

The form is told by the content, never by the name. Reads files and checks that they are what they seem; never
looks into BTF. ELF is ``elf``'s business, the pack's container ``kernel.pack``'s.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from kfunc_lsp.errors import ImageError, PackError
from kfunc_lsp.kernel.pack import MAGIC as PACK_MAGIC
from kfunc_lsp.kernel.pack import PackMeta, read_pack

_MAX_SIZE = 1 << 28
_HEAD_SIZE = 0x210
_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")
_ELF_MAGIC = b"\x7fELF"
_COMPRESSED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ\0": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\x02\x21\x4c\x18": "lz4",
    b"\x04\x22\x4d\x18": "lz4",
}
_KERNEL_IMAGES = ((0x202, b"HdrS"), (4, b"zimg"), (0x38, b"ARM\x64"), (0x38, b"RSC\x05"))
"""Where boot images carry their signatures: x86 setup header, EFI zboot, arm64 and RISC-V Image."""


@dataclass(frozen=True, slots=True)
class Image:
    """The sections of one kernel. ``btf_ids`` is ``None`` where the file has none.

    ``release`` and ``arch`` are empty where the file does not tell; ``meta`` is a pack's description of
    itself.
    """

    path: Path
    btf: bytes
    btf_ids: bytes | None = None
    release: str = ""
    arch: str = ""
    meta: PackMeta | None = None

    @property
    def is_pack(self) -> bool:
        """Whether the file was a kernel pack."""
        return self.meta is not None


def open_image(path: str | os.PathLike[str]) -> Image:
    """The sections of the kernel in the file ``path``.

    Raises ``ImageError`` where the file cannot be read or is no kernel image, ``PackError`` where it is a
    damaged kernel pack. Whether the BTF is sound shows when it is decoded.
    """
    path = Path(path)
    try:
        with _open_regular(path) as file:
            return _read(path, file)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from None


def read_btf_ids(path: str | os.PathLike[str]) -> bytes:
    """The file ``path``, a ``.BTF_ids`` section by itself; ``ImageError`` where it cannot be read."""
    path = Path(path)
    try:
        with _open_regular(path) as file:
            return _read_all(path, file)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from None


def _open_regular(path: Path) -> BinaryIO:
    """Open ``path`` unless reading it could block or never end (a FIFO, a device)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise ImageError(f"{str(path)!r}: is no file name: {error}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise ImageError(f"{path}: is a directory; give a vmlinux, raw BTF or kernel pack in it")
    raise ImageError(f"{path}: is no regular file; give a vmlinux, raw BTF or a kernel pack")


def _read(path: Path, file: BinaryIO) -> Image:
    head = file.read(_HEAD_SIZE)
    file.seek(0)
    if not head:
        raise ImageError(f"{path}: is empty; give a vmlinux, raw BTF or a kernel pack")
    if head.startswith(_BTF_MAGICS):
        return Image(path, _read_all(path, file))
    if head.startswith(_ELF_MAGIC):
        from kfunc_lsp.image.elf import read_elf

        sections = read_elf(path, file)
        return Image(path, sections.btf, sections.btf_ids, sections.release, sections.arch)
    if head.startswith(PACK_MAGIC):
        try:
            pack = read_pack(_read_all(path, file))
        except PackError as error:
            raise PackError(f"{path}: {error}") from None
        return Image(path, pack.btf, pack.btf_ids, pack.meta.release, pack.meta.arch, pack.meta)
    if any(head.startswith(signature, offset) for offset, signature in _KERNEL_IMAGES):
        raise ImageError(f"{path}: is a compressed kernel image: not read yet; give its vmlinux or raw BTF")
    for signature, form in _COMPRESSED.items():
        if head.startswith(signature):
            raise ImageError(f"{path}: is compressed ({form}); decompress it first")
    raise ImageError(f"{path}: is neither BTF, ELF nor a kernel pack; give a vmlinux, raw BTF or a kernel pack")


def _read_all(path: Path, file: BinaryIO) -> bytes:
    """The whole file. A size that the file claims can refuse it, but not admit it: sysfs need not tell."""
    data = file.read(_MAX_SIZE + 1) if os.fstat(file.fileno()).st_size <= _MAX_SIZE else None
    if data is None or len(data) > _MAX_SIZE:
        raise ImageError(f"{path}: is larger than {_MAX_SIZE >> 20} MiB; no kernel's BTF is")
    return data
