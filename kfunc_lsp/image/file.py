"""A file of any supported form to the sections of a kernel or of a module.

Raw BTF, ELF (vmlinux and modules), boot images, kernel packs, any of these compressed, and an archive of one
BTF. The form is told by the content, never by the name. Reads files and checks that they are what they seem;
never looks into BTF. ELF is ``elf``'s business, boot images' ``bzimage``'s, compression's ``compressed``'s, the
pack's container ``kernel.pack``'s.
"""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, BinaryIO

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import ImageError, PackError
from kfunc_lsp.kernel.pack import MAGIC as PACK_MAGIC
from kfunc_lsp.kernel.pack import Pack, PackMeta, read_pack

if TYPE_CHECKING:
    from kfunc_lsp.image.code import Code

_MAX_SIZE = 1 << 28
_MAX_BOOT_IMAGE = 1 << 27
_LARGE_BTF = 1 << 20
"""Bytes of BTF whose types take longer to walk than all else that a small check does."""
_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")
_ELF_MAGIC = b"\x7fELF"
_PLAIN_MAGICS = (*_BTF_MAGICS, _ELF_MAGIC, PACK_MAGIC)
_MAGIC_SIZE = 4
_HEADER_SIGN = b"#define __VMLINUX_H__"
_TAR = (257, b"ustar")
_KINDS = "a vmlinux, vmlinuz, module, raw BTF or kernel pack"


@dataclass(frozen=True, slots=True)
class Image:
    """The sections of one kernel, or of one module. ``btf_ids`` is ``None`` where the file has none.

    ``release`` and ``arch`` are empty where the file does not tell; ``meta`` is a pack's description of
    itself. ``code`` is where the registrations of the sets are found, ``registrations`` what a pack has in its
    place. ``module`` is the name of a module, whose BTF builds on its vmlinux's or on its own ``btf_base``.
    ``modules`` are those that a pack holds, each with a BTF that stands alone. ``header`` is the text of a
    vmlinux.h, which has no sections; ``btf`` is then empty.
    """

    path: str
    btf: bytes
    btf_ids: bytes | None = None
    release: str = ""
    arch: str = ""
    meta: PackMeta | None = None
    code: Code | None = None
    registrations: bytes | None = None
    module: str = ""
    btf_base: bytes | None = None
    modules: tuple[Image, ...] = ()
    header: str = ""

    @property
    def is_pack(self) -> bool:
        """Whether the file was a kernel pack."""
        return self.meta is not None


def open_image(path: str | os.PathLike[str]) -> Image:
    """The sections of the kernel in the file ``path``.

    Raises ``ImageError`` where the file cannot be read or is no kernel image, ``PackError`` where it is a
    damaged kernel pack. Whether the BTF is sound shows when it is decoded.
    """
    path = os.fspath(path)
    try:
        with _open_regular(path) as file:
            return _read(path, file)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from None


def open_bytes(path: str, data: bytes) -> Image:
    """As ``open_image``, of a file's content that was read before."""
    return _read(path, io.BytesIO(data))


def read_file(path: str | os.PathLike[str], size: int | None = None) -> bytes:
    """The file ``path``, or its first ``size`` bytes; ``ImageError`` where it cannot be read."""
    path = os.fspath(path)
    try:
        with _open_regular(path) as file:
            return _read_all(path, file) if size is None else file.read(size)
    except OSError as error:
        raise ImageError(f"{path}: cannot be read: {error.strerror or error}") from None


def is_quick(path: str) -> bool:
    """Whether the file is of a form that is read as it stands: a pack, a header, raw BTF that is no whole kernel's."""
    try:
        head = read_file(path, _MAGIC_SIZE)
        is_small = os.path.getsize(path) < _LARGE_BTF
    except (ImageError, OSError):
        return True
    return head.startswith((PACK_MAGIC, b"#")) or (is_small and head.startswith(_BTF_MAGICS))


def is_cut_down(path: str) -> bool:
    """Whether the file has kfuncs alone, and not every function of its kernel: a pack, a header."""
    return read_file(path, _MAGIC_SIZE).startswith((PACK_MAGIC, b"#"))


def _open_regular(path: str) -> BinaryIO:
    """Open ``path`` unless reading it could block or never end (a FIFO, a device)."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except ValueError as error:
        raise ImageError(f"{path!r}: is no file name: {error}") from None
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise ImageError(f"{path}: is a directory; give {_KINDS} in it")
    raise ImageError(f"{path}: is no regular file; give {_KINDS}")


def _read(path: str, file: BinaryIO) -> Image:
    head = file.read(_MAGIC_SIZE)
    file.seek(0)
    if not head:
        raise ImageError(f"{path}: is empty; give {_KINDS}")
    return _plain(path, file, head) if head.startswith(_PLAIN_MAGICS) else _wrapped(path, file)


def _wrapped(path: str, file: BinaryIO) -> Image:
    """What ``_read`` gives for all but a pack, raw BTF and ELF; what it needs is imported for nothing else."""
    from kfunc_lsp.image.archive import archived_btf
    from kfunc_lsp.image.bzimage import HEAD_SIZE, flat_arch, is_boot_image
    from kfunc_lsp.image.compressed import decompress, form_of

    head = file.read(HEAD_SIZE)
    file.seek(0)
    if is_boot_image(head):
        return _boot_image(path, file)
    form = form_of(head)
    if form is None:
        return _plain(path, file, head)
    unpacked = decompress(_read_all(path, file), form, path)
    head = unpacked.read(HEAD_SIZE)
    unpacked.seek(0)
    if flat_arch(head):
        return _kernel(path, unpacked)
    if head.startswith(_TAR[1], _TAR[0]):
        unpacked = archived_btf(unpacked, path)
        head = unpacked.read(HEAD_SIZE)
        unpacked.seek(0)
    return _plain(path, unpacked, head)


def _plain(path: str, file: BinaryIO, head: bytes) -> Image:
    """What ``_read`` gives for a file that is neither compressed nor a boot image."""
    if head.startswith(_BTF_MAGICS):
        return Image(path, _read_all(path, file))
    if head.startswith(_ELF_MAGIC):
        return _elf(path, file, "")
    if head.startswith(PACK_MAGIC):
        try:
            pack = read_pack(_read_all(path, file))
        except PackError as error:
            raise PackError(f"{path}: {error}") from None
        return _packed(path, pack)
    if _HEADER_SIGN in head:
        return Image(path, b"", header=_read_all(path, file).decode("utf-8", "replace"))
    raise ImageError(f"{path}: is neither BTF, ELF, a boot image nor a kernel pack; give {_KINDS}")


def _packed(path: str, pack: Pack) -> Image:
    meta = pack.meta
    modules = tuple(
        Image(path, m.btf, m.btf_ids, meta.release, meta.arch, meta, registrations=m.registrations, module=m.name)
        for m in pack.modules
    )
    return Image(
        path,
        pack.btf,
        pack.btf_ids,
        meta.release,
        meta.arch,
        meta,
        registrations=pack.registrations,
        modules=modules,
    )


def _elf(path: str, file: BinaryIO, release: str) -> Image:
    from kfunc_lsp.image.elf import read_elf

    found = read_elf(path, file)
    return Image(
        path,
        found.btf,
        found.btf_ids,
        release or found.release,
        found.arch,
        code=found.code,
        module=found.module,
        btf_base=found.btf_base,
    )


def _boot_image(path: str, file: BinaryIO) -> Image:
    from kfunc_lsp.image.bzimage import boot_arch, payload, release_of

    data = _read_all(path, file, _MAX_BOOT_IMAGE)
    release, arch, kernel = release_of(data), boot_arch(data), payload(data, path)
    del data
    return _kernel(path, kernel, release, arch)


def _kernel(path: str, kernel: io.BytesIO, release: str = "", arch: str = "") -> Image:
    """What is inside a boot image: an ELF vmlinux or flat memory, with what the boot image tells of it."""
    from kfunc_lsp.image.bzimage import HEAD_SIZE, flat_arch, flat_code, flat_release, flat_sections

    head = kernel.read(HEAD_SIZE)
    kernel.seek(0)
    if head.startswith(_ELF_MAGIC):
        return _elf(path, kernel, release)
    arch = arch or flat_arch(head)
    if not arch:
        raise ImageError(f"{path}: the kernel in this boot image has a form that is not read; give its vmlinux")
    memory = kernel.getbuffer()
    btf, btf_ids, at = flat_sections(memory, path)
    return Image(path, btf, btf_ids or None, release or flat_release(memory), arch, code=flat_code(memory, arch, at))


def _read_all(path: str, file: BinaryIO, limit: int = _MAX_SIZE) -> bytes:
    """The whole file. A size that the file claims can refuse it, but not admit it: sysfs need not tell."""
    is_memory = isinstance(file, io.BytesIO)
    data = file.read(limit + 1) if is_memory or os.fstat(file.fileno()).st_size <= limit else None
    if data is None or len(data) > limit:
        raise ImageError(f"{path}: is larger than {limit >> 20} MiB; no kernel's image is")
    return data
