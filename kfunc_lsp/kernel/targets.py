"""What a user calls a kernel to a ``Kernel``: a bundled one's name, ``running``, or a file.

The one module of ``kernel`` that does I/O.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.errors import BtfError, KfuncLspError, TargetError
from kfunc_lsp.image.file import Image, open_image, read_btf_ids
from kfunc_lsp.kernel.classify import build_kernel
from kfunc_lsp.kernel.model import FunctionClass, Kernel, Provenance
from kfunc_lsp.kernel.nearest import Lender, lender, with_borrowed_hooks
from kfunc_lsp.kernel.pack import read_pack

RUNNING = "running"
RUNNING_BTF = Path("/sys/kernel/btf/vmlinux")

_BUNDLE = Path(__file__).parent.parent / "data" / "kernels"
_SUFFIX = ".kpack"
_FILE_SUFFIXES = (_SUFFIX, ".btf")


def bundled() -> list[str]:
    """The releases of the bundled kernels, newest first."""
    names = (entry.removesuffix(_SUFFIX) for entry in os.listdir(_BUNDLE) if entry.endswith(_SUFFIX))
    return sorted(names, key=_version_key, reverse=True)


def resolve(spec: str, btf_ids: Path | None = None) -> Kernel:
    """The kernel that ``spec`` means.

    ``spec`` is the beginning of a bundled release, in whole components ("7.3", "7.3.4"; the newest that
    fits), ``running``, or a file: a vmlinux, raw BTF or a kernel pack. A name with a slash is always a file.
    ``btf_ids`` is a file with the ``.BTF_ids`` section that goes with a raw BTF. Raises ``TargetError`` where
    ``spec`` means nothing, and ``ImageError``, ``PackError`` or ``BtfError`` where the file is not usable.
    """
    target = _target(spec)
    image = _open(target, btf_ids)
    kind = "pack" if image.is_pack else "btf" if image.btf_ids is None else "image"
    try:
        kernel = build_kernel(
            Btf.parse(image.btf),
            image.btf_ids,
            name=target.name or image.release or _short_name(target.path),
            release=image.release,
            provenance=Provenance(kind, target.label, ""),
            known_names=_known_names(image),
            code=image.code,
            registrations=image.registrations,
        )
    except BtfError as error:
        raise BtfError(f"{target.path}: {error}") from None
    return kernel if kernel.hooks_known else with_borrowed_hooks(kernel, _lenders())


def export_pack(spec: str, btf_ids: Path | None = None, *, source: str = "") -> bytes:
    """The kernel pack of the kernel that ``spec`` means; ``source`` says in words where it is from.

    Takes and raises what ``resolve`` does; ``BtfError`` also where the kernel does not tell its kfuncs.
    """
    from kfunc_lsp.kernel.export import export

    target = _target(spec)
    image = _open(target, btf_ids)
    release = _short_name(target.path) if target.path.name.endswith(_FILE_SUFFIXES) else ""
    try:
        return export(image, release=release, source=source, known_names=_known_names(image))
    except BtfError as error:
        raise BtfError(f"{target.path}: {error}") from None


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
    """What a spec comes to: a file, what its kernel is called (empty: as the file says), where it is from."""

    path: Path
    name: str
    label: str


def _target(spec: str) -> _Target:
    is_path = "/" in spec
    release = None if is_path else _bundled_release(spec)
    if release is not None:
        return _Target(_BUNDLE / (release + _SUFFIX), spec, release)
    if spec == RUNNING:
        return _Target(RUNNING_BTF, f"{RUNNING} ({os.uname().release})", str(RUNNING_BTF))
    if is_path or os.path.lexists(spec):
        return _Target(Path(spec), "", spec)
    raise TargetError(_unknown(spec))


def _open(target: _Target, btf_ids: Path | None) -> Image:
    image = open_image(target.path)
    if target.path == RUNNING_BTF:
        image = replace(image, release=os.uname().release)
    return image if btf_ids is None else replace(image, btf_ids=read_btf_ids(btf_ids))


def _known_names(image: Image) -> frozenset[str]:
    """Without flags, names of kfuncs with implicit arguments: by them a function without its tag is known."""
    return frozenset() if image.btf_ids is not None else _implicit_names()


@cache
def _lenders() -> tuple[Lender, ...]:
    """The bundled kernels that know their program types, newest first."""
    packs = ((release, read_pack((_BUNDLE / (release + _SUFFIX)).read_bytes())) for release in bundled())
    found = (lender(release, pack) for release, pack in packs)
    return tuple(each for each in found if each is not None)


@cache
def _implicit_names() -> frozenset[str]:
    """The kfuncs with implicit arguments of the newest bundled kernel."""
    newest = resolve(bundled()[0])
    return frozenset(f.name for f in newest.functions.values() if f.klass == FunctionClass.IMPLICIT)


def _short_name(path: Path) -> str:
    for suffix in _FILE_SUFFIXES:
        if path.name.endswith(suffix) and path.name != suffix:
            return path.name.removesuffix(suffix)
    return path.name


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
