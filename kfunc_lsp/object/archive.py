"""Static archives (``ar``) of objects: which members they have.

Facts of ``ar(5)``: a header of 60 characters before each member; long names stand in a member ``//`` (GNU) or before
the member's content (BSD).
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import BinaryIO

from kfunc_lsp.errors import ObjectError

ELF_MAGIC, MAGIC, THIN_MAGIC = b"\x7fELF", b"!<arch>\n", b"!<thin>\n"
_HEADER = 60
_INDICES = ("/", "/SYM64/", "__.SYMDEF", "__.SYMDEF SORTED", "")


def is_object(beginning: bytes) -> bool:
    """Whether a file that begins so (eight bytes) is for this package: ELF, or an archive."""
    return beginning.startswith((ELF_MAGIC, MAGIC, THIN_MAGIC))


def objects(path: str, file: BinaryIO) -> Iterator[tuple[str, BinaryIO]]:
    """Each object of ``file`` with its name for messages: the file itself, or the members of an archive.

    Raises ``ObjectError`` where an archive is damaged or holds anything but objects.
    """
    file.seek(0)
    magic = file.read(len(MAGIC))
    if magic == THIN_MAGIC:
        raise ObjectError(f"{path}: is a thin archive, which holds names only; give the objects themselves")
    if magic != MAGIC:
        yield path, file
        return
    long_names = b""
    while header := file.read(_HEADER):
        size_field = header[48:58].strip()
        if len(header) < _HEADER or header[58:] != b"`\n" or not size_field.isdigit():
            raise ObjectError(f"{path}: is a damaged archive: no member begins where one should")
        size = int(size_field)
        content = file.read(size)
        if len(content) < size:
            raise ObjectError(f"{path}: its last member ends beyond the file; the archive is cut")
        if size % 2:
            file.read(1)
        name = header[:16].decode("latin-1").rstrip()
        if name == "//":
            long_names = content
            continue
        if name.startswith("/") and name[1:].isdigit():
            start = int(name[1:])
            name = long_names[start : long_names.find(b"\n", start)].decode("utf-8", "replace")
        elif name.startswith("#1/") and name[3:].isdigit():
            length = int(name[3:])
            name, content = content[:length].rstrip(b"\0").decode("utf-8", "replace"), content[length:]
        if name in _INDICES:
            continue
        what = f"{path}({name.rstrip('/')})"
        if not content.startswith(ELF_MAGIC):
            raise ObjectError(f"{what}: is no object; an archive of BPF objects holds nothing else")
        yield what, io.BytesIO(content)
