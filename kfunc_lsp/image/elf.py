"""The sections of an ELF vmlinux: ``.BTF``, ``.BTF_ids``, and the release out of ``.rodata``.

Reads the sections that it wants, not the file, which may have a gigabyte of debug information. Imported for
ELF files only, since pyelftools takes longer to import than a kernel pack takes to read.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section

from kfunc_lsp.errors import ImageError

_MAX_SECTION = 1 << 28
_BANNER = re.compile(rb"Linux version ([0-9][!-~]{0,127}) ")
_CHUNK = 1 << 20
_OVERLAP = 256


@dataclass(frozen=True, slots=True)
class ElfSections:
    """What a vmlinux tells; ``btf_ids`` is ``None`` and the others are empty where it does not."""

    btf: bytes
    btf_ids: bytes | None
    release: str
    arch: str


def read_elf(path: Path, file: BinaryIO) -> ElfSections:
    """The sections of the ELF ``file``, called ``path`` in messages.

    Raises ``ImageError`` where it is damaged, has no ``.BTF``, or is a kernel module.
    """
    try:
        elf = ELFFile(file)
        found: dict[str, Section] = {}
        for section in elf.iter_sections():
            found.setdefault(section.name, section)
        arch = str(elf["e_machine"]).removeprefix("EM_").lower()
    except OSError:
        raise
    except Exception as error:  # pyelftools lets through whatever its parsers meet in a damaged file
        raise ImageError(f"{path}: is a damaged ELF file ({type(error).__name__}: {error})") from None
    if ".modinfo" in found and ".gnu.linkonce.this_module" in found:
        raise ImageError(f"{path}: is a kernel module, whose types build on vmlinux's; give the vmlinux")
    if ".BTF" not in found:
        raise ImageError(f"{path}: has no .BTF section; give a vmlinux built with CONFIG_DEBUG_INFO_BTF=y")
    btf = _content(path, file, found[".BTF"])
    btf_ids = _content(path, file, found[".BTF_ids"]) if ".BTF_ids" in found else None
    return ElfSections(btf, btf_ids, _release(file, found.get(".rodata")), arch)


def _content(path: Path, file: BinaryIO, section: Section) -> bytes:
    name, offset, size = section.name, section["sh_offset"], section["sh_size"]
    if section["sh_type"] == "SHT_NOBITS":
        raise ImageError(f"{path}: its {name} section has no content (a file of debug symbols?); give the vmlinux")
    if section.compressed:
        raise ImageError(f"{path}: its {name} section is compressed; decompress it first (objcopy)")
    if size > _MAX_SECTION:
        raise ImageError(f"{path}: its {name} section is larger than {_MAX_SECTION >> 20} MiB; the file is damaged")
    if offset + size > os.fstat(file.fileno()).st_size:
        raise ImageError(f"{path}: its {name} section ends beyond the file; the file is cut")
    file.seek(offset)
    return file.read(size)


def _release(file: BinaryIO, rodata: Section | None) -> str:
    """The release in the banner ``Linux version …``; empty where ``.rodata`` has none."""
    if rodata is None or rodata["sh_type"] == "SHT_NOBITS" or rodata["sh_offset"] > os.fstat(file.fileno()).st_size:
        return ""
    file.seek(rodata["sh_offset"])
    left, tail = min(rodata["sh_size"], _MAX_SECTION), b""
    while left > 0 and (chunk := file.read(min(_CHUNK, left))):
        if match := _BANNER.search(tail + chunk):
            return match[1].decode("ascii")
        tail = chunk[-_OVERLAP:]
        left -= len(chunk)
    return ""
