"""The BTF in an archive: a ``.btf.tar.xz`` as BTFHub keeps one for each kernel release."""

from __future__ import annotations

import io
from typing import BinaryIO

from kfunc_lsp.errors import ImageError
from kfunc_lsp.image.compressed import MAX_SIZE

_MAX_MEMBERS = 64
_BTF_MAGICS = (b"\x9f\xeb", b"\xeb\x9f")


def archived_btf(file: BinaryIO, what: str) -> io.BytesIO:
    """The first member of the tar archive ``file`` that is raw BTF.

    Raises ``ImageError``, beginning with ``what``, where there is none, or the archive is damaged.
    """
    import tarfile

    try:
        with tarfile.open(fileobj=file, mode="r:") as archive:
            for _ in range(_MAX_MEMBERS):
                member = archive.next()
                if member is None:
                    break
                if not member.isreg() or member.size > MAX_SIZE:
                    continue
                content = archive.extractfile(member)
                head = content.read(2) if content is not None else b""
                if content is not None and head.startswith(_BTF_MAGICS):
                    return io.BytesIO(head + content.read(member.size))
    except (tarfile.TarError, ValueError, OverflowError, EOFError) as error:
        raise ImageError(f"{what}: holds a damaged archive ({error})") from None
    raise ImageError(f"{what}: is an archive without a BTF file in it")
