"""Folders of modules: which files are modules, and which of those can have kfuncs.

A distribution has 4,000 modules, of which a handful have kfuncs; all others are recognised by bytes that are
not in them, before anything is taken apart.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from kfunc_lsp.dataclass import replace
from kfunc_lsp.errors import ImageError
from kfunc_lsp.image.compressed import decompress, first_bytes, form_of
from kfunc_lsp.image.file import Image, open_bytes, read_file

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

Progress = Callable[[int, int], None]
"""Told after each module how many are done, of how many."""

_SUFFIXES = (".ko", ".ko.xz", ".ko.zst", ".ko.gz")
_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")
_ELF_MAGIC = b"\x7fELF"
_SIGNS = (b".BTF_ids\0", b"bpf_kfunc")
"""In an ELF module the name of a section, in raw BTF that of a decl tag: without it there is no kfunc."""

_HEAD = 1 << 16
_MAX_MODULES = 1 << 16
_MAX_MODULE = 1 << 27
VMLINUX = "vmlinux"
_KERNEL_NAMES = (VMLINUX, "vmlinuz", "build/vmlinux")
_DISTRIBUTION = (
    "boot/vmlinuz-{}",
    "boot/vmlinux-{}",
    "usr/lib/debug/boot/vmlinux-{}",
    "usr/lib/debug/lib/modules/{}/vmlinux",
)


def module_files(folder: str) -> list[str]:
    """The modules below ``folder``, by name: ``.ko`` files, and raw BTF as in ``/sys/kernel/btf``.

    Raises ``ImageError`` where the folder cannot be read.
    """
    found: list[str] = []
    try:
        for parent, folders, names in os.walk(folder, onerror=_raise):
            folders.sort()
            for name in sorted(names):
                path = os.path.join(parent, name)
                if name.endswith(_SUFFIXES) or (parent == folder and name != VMLINUX and _is_btf(path)):
                    found.append(path)
            if len(found) > _MAX_MODULES:
                raise ImageError(f"{folder}: has more than {_MAX_MODULES} modules; give the folder of one kernel")
    except OSError as error:
        raise ImageError(f"{folder}: cannot be read: {error.strerror or error}") from None
    return found


def vmlinux_of(place: str) -> tuple[str | None, list[str]]:
    """The kernel that the modules in a folder (or a module's file) belong to, and every place looked at.

    Known are a vmlinux or vmlinuz beside them, and for ``lib/modules/RELEASE`` where distributions keep the
    kernel and its debug information; for the running kernel, its own BTF.
    """
    folder = Path(place) if os.path.isdir(place) else Path(place).parent
    tried = [folder / name for name in _KERNEL_NAMES]
    parts = folder.absolute().parts
    for at in range(len(parts) - 1, 1, -1):
        if parts[at - 2 : at] == ("lib", "modules"):
            release, own = parts[at], Path(*parts[: at + 1])
            root = Path(*parts[: at - 2])
            root = root.parent if root.name == "usr" else root
            tried += [own / name for name in _KERNEL_NAMES]
            tried += [root / pattern.format(release) for pattern in _DISTRIBUTION]
            if release == os.uname().release:
                tried.append(Path("/sys/kernel/btf", VMLINUX))
            break
    paths = list(dict.fromkeys(map(str, tried)))
    return next((path for path in paths if os.path.isfile(path)), None), paths


def is_module(path: str) -> bool:
    """Whether the file is a module: a relocatable ELF file, compressed or not."""
    try:
        head = read_file(path, _HEAD)
        form = form_of(head)
        head = first_bytes(head, form) if form is not None else head
    except ImageError:
        return False
    return head.startswith(_ELF_MAGIC) and head[16:18] in (b"\1\0", b"\0\1")


def open_modules(paths: list[str], progress: Progress | None = None) -> Iterator[Image]:
    """Those of the modules in ``paths`` that can have kfuncs, in this order.

    Raises ``ImageError`` at one that cannot be read or is damaged.
    """
    if not paths:
        return
    from concurrent.futures import ThreadPoolExecutor  # whose import costs more than a small check

    workers = min(4, os.cpu_count() or 1)
    with ThreadPoolExecutor(workers) as pool:
        for done, (path, data) in enumerate(zip(paths, _mapped(pool, paths, 2 * workers), strict=True), 1):
            if data is not None:
                image = open_bytes(path, data)
                yield image if image.module else replace(image, module=os.path.basename(path))
            if progress is not None:
                progress(done, len(paths))


def _mapped(pool: ThreadPoolExecutor, paths: list[str], ahead: int) -> Iterator[bytes | None]:
    """``_unpacked`` of each path, not more than ``ahead`` of them before they are wanted."""
    waiting: deque[Future[bytes | None]] = deque()
    for path in paths:
        waiting.append(pool.submit(_unpacked, path))
        if len(waiting) == ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _unpacked(path: str) -> bytes | None:
    """The content of a module, decompressed; ``None`` where it cannot have kfuncs."""
    data = read_file(path)
    form = form_of(data[:16])
    if form is not None:
        data = decompress(data, form, path, _MAX_MODULE).getvalue()
    sign = _SIGNS[0] if data.startswith(_ELF_MAGIC) else _SIGNS[1]
    return data if sign in data else None


def _is_btf(path: str) -> bool:
    try:
        return os.path.isfile(path) and read_file(path, 2).startswith(_BTF_MAGICS)
    except ImageError:
        return False


def _raise(error: OSError) -> None:
    raise error
