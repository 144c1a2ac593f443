"""A folder of small results that were expensive to make, by the content of what they were made from.

Owns files and keys; what the results are is the caller's. An entry is replaced as a whole, so that parallel
runs never see half of one, and nothing here fails: without a usable folder there is no cache.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import kfunc_lsp

VARIABLE = "KFUNC_LSP_CACHE"
"""Environment variable with another folder; empty, there is no cache."""

_FORMAT = "1"
_CHUNK = 1 << 20
_MAX_ENTRY = 1 << 26
_MAX_HASHED = 1 << 27
"""A larger file, which is a vmlinux with debug information, takes longer to hash than to read by section."""


def folder() -> Path | None:
    """The cache's folder, which need not exist; ``None`` where there is to be none."""
    chosen = os.environ.get(VARIABLE)
    if chosen is not None:
        return Path(chosen) if chosen else None
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        return Path(base if os.path.isabs(base) else Path.home() / ".cache", "kfunc-lsp")
    except RuntimeError:
        return None


def content_key(path: str) -> str | None:
    """A digest of the file's content; ``None`` where it cannot be read, or there is no cache.

    Remembered for a file whose inode, size and times are unchanged, so that a kernel is not read again; for a very
    large file these stand for the content.
    """
    if folder() is None:
        return None
    try:
        status = os.stat(path)
        told = (os.path.realpath(path), status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        digest = _digest([*map(str, told), str(status.st_ctime_ns)])
        if status.st_size > _MAX_HASHED:
            return digest
        name = f"stat-{digest}"
        known = get(name)
        if known is not None and len(known) == 40:
            return known.decode("ascii", "replace")
        import hashlib

        state = hashlib.blake2b(digest_size=20)
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                state.update(chunk)
    except OSError:
        return None
    put(name, state.hexdigest().encode())
    return state.hexdigest()


def files_key(paths: Iterable[str]) -> str | None:
    """A digest of names, sizes and times of many files; ``None`` where one is not there."""
    told = []
    try:
        for path in paths:
            status = os.stat(path)
            told.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    except OSError:
        return None
    return _digest(told)


def entry(*parts: str) -> str:
    """The name of the entry for these keys, made by this version."""
    return f"kernel-{_digest([_FORMAT, kfunc_lsp.__version__, *parts])}"


def get(name: str) -> bytes | None:
    """The entry ``name``; ``None`` where there is none. Whether it is sound is for its reader to say."""
    where = folder()
    if where is None:
        return None
    try:
        with (where / name).open("rb") as file:
            return file.read(_MAX_ENTRY)
    except OSError:
        return None


def put(name: str, data: bytes) -> None:
    """Keep ``data`` as the entry ``name``, if that is possible."""
    where = folder()
    if where is None:
        return
    import tempfile

    with contextlib.suppress(OSError):
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=where)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.replace(temporary, where / name)
        except BaseException:  # an interrupted run leaves nothing behind either
            os.unlink(temporary)
            raise


def _digest(parts: Iterable[str]) -> str:
    import hashlib

    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogateescape"), digest_size=20).hexdigest()
