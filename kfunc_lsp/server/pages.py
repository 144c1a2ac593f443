"""What the kernel has under a name, as a place that every editor can open.

With ``kernel-source`` that is the line of the kernel's source. Without, it is a read-only page in the cache folder:
clients differ in whether they open documents that a server makes up, and all open files.
"""

from __future__ import annotations

import atexit
import os
import re
from contextlib import suppress
from functools import lru_cache
from shutil import rmtree
from tempfile import mkdtemp

from lsprotocol import types

from kfunc_lsp.describe import describe
from kfunc_lsp.image import cache
from kfunc_lsp.server.documents import Document, uri_of
from kfunc_lsp.server.render import markup
from kfunc_lsp.server.session import Session

_PLACES = ("kernel", "net", "fs", "mm", "lib", "crypto", "security", "block", "drivers/hid", "drivers")
"""Folders of the kernel's source with kfuncs, most likely first."""
_MARK = b"__bpf_kfunc"
_DEFINITION = re.compile(rb"^[ \t]*__bpf_kfunc\b[^;{}()]*?\b(\w+)\s*\(", re.M)
_LARGEST = 4 << 20


def page(session: Session, document: Document, name: str) -> types.Location | None:
    """Where the definition of ``name`` can be read; ``None`` where no selected kernel has it."""
    source = session.config(os.path.dirname(document.path)).kernel_source
    selection = session.selection(document)
    found = kernel_source(source, selection.loader.target(name)) if source else None
    if found is not None:
        path, line, column, length = found
        start, end = types.Position(line, column), types.Position(line, column + length)
        return types.Location(uri_of(path), types.Range(start, end))
    description = describe(name, selection.kernels, selection.loader)
    if description is None:
        return None
    text = markup(description, markdown=True).value + "\n"
    place = folder()
    path = os.path.join(place, f"{name}.md")
    if not _written(path, text):
        return None
    lines = text.split("\n")
    line = next((n + 1 for n, written in enumerate(lines) if written == "```c"), 0)
    if lines[line].startswith("//"):
        line += 1
    start = types.Position(line, 0)
    return types.Location(uri_of(path), types.Range(start, start))


@lru_cache(maxsize=1)
def folder() -> str:
    """Where pages are kept: in the cache; where there is to be none, in a folder that goes with this process."""
    place = cache.folder()
    if place is not None:
        return str(place / "kfuncs")
    temporary = mkdtemp(prefix="kfunc-lsp-")
    atexit.register(rmtree, temporary, ignore_errors=True)
    return temporary


def _written(path: str, text: str) -> bool:
    """Whether the file holds ``text`` now; it is replaced as a whole, so that nobody reads half of it."""
    with suppress(OSError), open(path, encoding="utf-8") as handle:
        if handle.read() == text:
            return True
    part = f"{path}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        with open(part, "w", encoding="utf-8") as handle:
            handle.write(text)
        os.chmod(part, 0o444)
        os.replace(part, path)
    except OSError:
        return False
    return True


@lru_cache(maxsize=512)
def kernel_source(root: str, name: str) -> tuple[str, int, int, int] | None:
    """Path, line, column and length of the definition of kfunc ``name`` in the kernel's source below ``root``."""
    wanted = name.encode()
    for place in _PLACES:
        for folder_, folders, files in os.walk(os.path.join(root, place)):
            folders.sort()
            for file in sorted(files):
                found = _defined(os.path.join(folder_, file), wanted) if file.endswith(".c") else None
                if found is not None:
                    return found
    return None


def _defined(path: str, name: bytes) -> tuple[str, int, int, int] | None:
    try:
        if not os.path.isfile(path) or os.path.getsize(path) > _LARGEST:
            return None
        with open(path, "rb") as handle:
            data = handle.read()
    except OSError:
        return None
    if _MARK not in data or name not in data:
        return None
    for match in _DEFINITION.finditer(data):
        if match[1] == name:
            at = match.start(1)
            return path, data.count(b"\n", 0, at), at - data.rfind(b"\n", 0, at) - 1, len(name)
    return None
