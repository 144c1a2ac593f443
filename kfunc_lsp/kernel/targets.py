"""What a user calls a kernel to a ``Kernel``: a bundled one's name, ``running``, or a file.

The one module of ``kernel`` that does I/O.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.errors import BtfError, KfuncLspError, TargetError
from kfunc_lsp.image.file import Image, is_cut_down, is_quick, open_bytes, open_image, read_file
from kfunc_lsp.kernel.classify import build_kernel, decoded
from kfunc_lsp.kernel.functions import Functions
from kfunc_lsp.kernel.model import FunctionClass, Kernel, Provenance

if TYPE_CHECKING:
    from pathlib import Path

    from kfunc_lsp.image.folder import Progress

RUNNING = "running"
RUNNING_BTF = "/sys/kernel/btf/vmlinux"

_BUNDLE = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "kernels")
_SUFFIX = ".kpack"
_FILE_SUFFIXES = (_SUFFIX, ".btf", ".btf.xz", ".btf.gz", ".btf.zst", ".btf.tar.xz")


def bundled() -> list[str]:
    """The releases of the bundled kernels, newest first."""
    names = (entry.removesuffix(_SUFFIX) for entry in os.listdir(_BUNDLE) if entry.endswith(_SUFFIX))
    return sorted(names, key=_version_key, reverse=True)


def bundled_series() -> dict[str, str]:
    """The newest bundled release of every series ("7.3"), the oldest series first."""
    return {".".join(release.split(".")[:2]): release for release in reversed(bundled())}


def resolve(
    spec: str, btf_ids: Path | None = None, *, modules: Sequence[Path] = (), progress: Progress | None = None
) -> Kernel:
    """The kernel that ``spec`` means.

    ``spec`` is the beginning of a bundled release, in whole components ("7.3", "7.3.4"; the newest that
    fits), ``running`` (with the modules that are loaded), or a file: a vmlinux, vmlinuz, raw BTF or a kernel
    pack; or a module or a folder of modules, whose kernel is then looked for. A name with a slash is always a
    file. ``btf_ids`` is a file with the ``.BTF_ids`` section that goes with a raw BTF. ``modules`` are further
    modules and folders of such; ``progress`` is told how many of them are done. What is expensive to read is
    kept in the user's cache. Raises ``TargetError`` where ``spec`` means nothing, and ``ImageError``,
    ``PackError`` or ``BtfError`` where a file is not usable.
    """
    target = _target(spec, modules)
    image, opened, is_kept = _evidence(target, btf_ids, progress)
    kind = "pack" if image.is_pack and not is_kept else "btf" if image.btf_ids is None else "image"
    try:
        btf = Btf.parse(image.btf)
        kernel = build_kernel(
            btf,
            image.btf_ids,
            name=target.name or image.release or _short_name(target.path),
            release=image.release,
            provenance=Provenance(kind, target.label, ""),
            known_names=_known_names(image),
            code=image.code,
            registrations=image.registrations,
        )
        if not is_kept and not target.is_bundled:
            decoded(kernel)  # what we have written ourselves, and find with its checksum, was looked at then
    except BtfError as error:
        raise BtfError(f"{target.path}: {error}") from None
    if image.header:
        words = f"prototypes alone, of a vmlinux.h: {kernel.provenance.detail}"
        kernel = replace(kernel, provenance=replace(kernel.provenance, detail=words))
    if not kernel.hooks_known:
        from kfunc_lsp.kernel.nearest import with_borrowed_hooks

        kernel = with_borrowed_hooks(kernel, bundled(), _bundled_kernel)
    if is_kept and not is_cut_down(target.path):
        kernel = replace(kernel, others=Functions(lambda: _open(target, btf_ids).btf))
    elif not image.is_pack and not image.header:
        types = image.btf
        kernel = replace(kernel, others=Functions(lambda: types))
    kernel = replace(kernel, modules_loaded=spec == RUNNING and not modules)
    if not opened:
        return kernel
    from kfunc_lsp.kernel.modules import with_modules

    return with_modules(kernel, None if image.is_pack else btf, opened)


def export_pack(
    spec: str,
    btf_ids: Path | None = None,
    *,
    source: str = "",
    modules: Sequence[Path] = (),
    progress: Progress | None = None,
) -> bytes:
    """The kernel pack of the kernel that ``spec`` means; ``source`` says in words where it is from.

    Takes and raises what ``resolve`` does; ``BtfError`` also where the kernel does not tell its kfuncs.
    """
    target = _target(spec, modules)
    image = _open(target, btf_ids)
    release = _short_name(target.path) if target.path.endswith(_FILE_SUFFIXES) else ""
    opened = _opened(image, target, progress)
    try:
        return _exported(image, opened, release, source)
    except BtfError as error:
        raise BtfError(f"{target.path}: {error}") from None


def expand(pattern: str) -> list[str]:
    """What ``resolve`` takes, from a pattern with ``*``, ``?`` or ``[``: files with a slash, else bundled kernels.

    Anything else stands for itself. Raises ``TargetError`` where a pattern fits nothing.
    """
    if not any(sign in pattern for sign in "*?["):
        return [pattern]
    import fnmatch
    import glob

    found = sorted(glob.glob(pattern)) if "/" in pattern else fnmatch.filter(bundled(), pattern)
    if not found:
        what = "file" if "/" in pattern else f"bundled kernel ({', '.join(bundled())})"
        raise TargetError(f"{pattern}: fits no {what}")
    return found


def first_same(specs: Sequence[str]) -> list[int]:
    """For each of ``specs``, the place in them of the first that means the same kernel: its file has the same bytes."""
    targets: list[_Target | None] = []
    found: list[int] = []
    for at, spec in enumerate(specs):
        try:
            target = _target(spec, ())
        except KfuncLspError:
            target = None
        same = (first for first in dict.fromkeys(found) if target and _is_same(targets[first], target))
        found.append(next(same, at))
        targets.append(target)
    return found


def default_kernel() -> Kernel:
    """The running kernel where its BTF can be read and tells its kfuncs, else the newest bundled one."""
    try:
        kernel = resolve(RUNNING)
    except KfuncLspError:
        pass
    else:
        if kernel.kfuncs_known:
            return kernel
    return resolve(bundled()[0])


@dataclass(frozen=True, slots=True)
class _Target:
    """What a spec comes to: a file, what its kernel is called (empty: as the file says), where it is from.

    ``modules`` are the files of its modules.
    """

    path: str
    name: str
    label: str
    modules: tuple[str, ...] = ()

    @property
    def is_bundled(self) -> bool:
        """Whether the file is one of our own packs."""
        return os.path.dirname(self.path) == _BUNDLE


def _target(spec: str, modules: Sequence[Path]) -> _Target:
    is_path = "/" in spec
    release = None if is_path else _bundled_release(spec)
    pack = os.path.join(_BUNDLE, f"{release}{_SUFFIX}")
    if release is not None and not modules:
        return _Target(pack, spec, release)
    from pathlib import Path

    from kfunc_lsp.image.folder import is_module, module_files

    named = [str(path) for path in modules]
    extra = tuple(file for path in named for file in (module_files(path) if os.path.isdir(path) else [path]))
    if release is not None:
        return _Target(pack, spec, release, extra)
    if spec == RUNNING:
        loaded = () if modules else tuple(module_files(os.path.dirname(RUNNING_BTF)))
        return _Target(RUNNING_BTF, f"{RUNNING} ({os.uname().release})", RUNNING_BTF, (*loaded, *extra))
    if not is_path and not os.path.lexists(spec):
        raise TargetError(_unknown(spec))
    path = str(Path(spec))
    if os.path.isdir(path):
        return _Target(_kernel_of(path), "", spec, (*module_files(path), *extra))
    if os.path.isfile(path) and is_module(path):
        return _Target(_kernel_of(path), "", spec, (path, *extra))
    return _Target(path, "", spec, extra)


def image_of_running() -> str | None:
    """The running kernel's image, which tells more than its BTF, where a distribution has put it; ``None`` without."""
    from kfunc_lsp.image.folder import vmlinux_of

    place, _ = vmlinux_of(os.path.join("/lib/modules", os.uname().release, "modules.dep"))
    return place if place is not None and place != RUNNING_BTF and os.access(place, os.R_OK) else None


def _is_same(one: _Target | None, other: _Target) -> bool:
    import filecmp

    if one is None or one.modules != other.modules:
        return False
    try:
        return one.path == other.path or filecmp.cmp(one.path, other.path, shallow=False)
    except OSError:
        return False


def _kernel_of(place: str) -> str:
    """The file of the kernel that a module or a folder of modules belongs to."""
    from kfunc_lsp.image.folder import module_files, vmlinux_of

    found, tried = vmlinux_of(place)
    if found is None and os.path.isdir(place) and not module_files(place):
        raise TargetError(f"{place}: is a folder without modules; give a kernel's file, or several: '{place}/*'")
    if found is None:
        raise TargetError(
            f"{place}: the kernel of these modules was not found (looked at {', '.join(tried)}); "
            "give its vmlinux or vmlinuz, and this with --modules"
        )
    return found


def _cached_name(path: str, btf_ids: Path | None, modules: Sequence[str]) -> str | None:
    """The name of the cache's entry; ``None`` for what is read as quickly without, or cannot be read."""
    if btf_ids is not None or not os.path.isfile(path) or (not modules and is_quick(path)):
        return None
    from kfunc_lsp.image import cache

    keys = (cache.content_key(path), cache.files_key(modules))
    return cache.entry(*(key or "" for key in keys)) if all(keys) else None


def _evidence(target: _Target, btf_ids: Path | None, progress: Progress | None) -> tuple[Image, list[Image], bool]:
    """The kernel's image and its modules', and whether they are as the cache keeps them: cut down to a pack."""
    name = _cached_name(target.path, btf_ids, target.modules)
    if name is None:
        image = _open(target, btf_ids)
        return image, _opened(image, target, progress), False
    from kfunc_lsp.image import cache

    kept = _sound(target.path, cache.get(name))
    if kept is None:
        image = _open(target, btf_ids)
        opened = _opened(image, target, progress)
        try:
            data = _exported(image, opened)
        except BtfError:
            return image, opened, False
        cache.put(name, data)
        kept = open_bytes(target.path, data)
    return kept, list(kept.modules), True


def _opened(image: Image, target: _Target, progress: Progress | None) -> list[Image]:
    """The modules that the image holds, and those of the target that can have kfuncs."""
    if not target.modules:
        return list(image.modules)
    from kfunc_lsp.image.folder import open_modules

    return [*image.modules, *open_modules(list(target.modules), progress)]


def _exported(image: Image, modules: Sequence[Image], release: str = "", source: str = "") -> bytes:
    from kfunc_lsp.kernel.export import export

    return export(image, release=release, source=source, known_names=_known_names(image), modules=modules)


def _sound(path: str, data: bytes | None) -> Image | None:
    """What the cache has, if it has anything and that is sound."""
    if data is None:
        return None
    try:
        return open_bytes(path, data)
    except KfuncLspError:
        return None  # damaged: it is made again


def _open(target: _Target, btf_ids: Path | None) -> Image:
    image = open_image(target.path)
    if target.path == RUNNING_BTF:
        image = replace(image, release=os.uname().release)
    if image.header:
        from kfunc_lsp.btf.vmlinux_h import btf_of_header

        try:
            image = replace(image, btf=btf_of_header(image.header))
        except BtfError as error:
            raise BtfError(f"{target.path}: {error}") from None
    return image if btf_ids is None else replace(image, btf_ids=read_file(btf_ids))


def _known_names(image: Image) -> frozenset[str]:
    """Without flags, names of kfuncs with implicit arguments: by them a function without its tag is known."""
    return frozenset() if image.btf_ids is not None else _implicit_names()


@lru_cache(16)
def _bundled_kernel(release: str) -> Kernel:
    return resolve(release)


@lru_cache(1)
def _implicit_names() -> frozenset[str]:
    """The kfuncs with implicit arguments of the newest bundled kernel."""
    newest = _bundled_kernel(bundled()[0])
    return frozenset(f.name for f in newest.functions.values() if f.klass == FunctionClass.IMPLICIT)


def _short_name(path: str) -> str:
    name = os.path.basename(path)
    for suffix in _FILE_SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return name.removesuffix(suffix)
    return name


def _components(version: str) -> list[str]:
    return re.split(r"[.+-]", version)


def _version_key(version: str) -> list[tuple[int, str]]:
    """Components in order, numbers by value and before words."""
    return [(int(part), "") if part.isdecimal() else (1 << 32, part) for part in _components(version)]


def _bundled_release(spec: str) -> str | None:
    wanted = _components(spec)
    return next((name for name in bundled() if _components(name)[: len(wanted)] == wanted), None)


def _unknown(spec: str) -> str:
    from difflib import get_close_matches

    names = bundled()
    short = [".".join(_components(name)[:2]) for name in names]
    close = get_close_matches(spec, [*short, *names, RUNNING], n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"there is no kernel {spec!r}.{hint} Bundled: {', '.join(names)}; or give a file, or {RUNNING!r}."
