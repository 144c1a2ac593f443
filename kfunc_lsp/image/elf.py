"""The sections of an ELF file, a vmlinux or a module: ``.BTF``, ``.BTF_ids``, code, and the release.

Reads the sections that it wants, not the file, which may have a gigabyte of debug information. Imported for
ELF files only, since pyelftools takes longer to import than a kernel pack takes to read. How a module's code
gets its addresses is ``module``'s business.
"""

from __future__ import annotations

import io
import os
import re
from typing import BinaryIO, cast

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import Section as ElfSection

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import ImageError
from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.image.relative import relocated

_MAX_SECTION = 1 << 28
_MAX_SECTIONS = 1 << 14
_MAX_CODE = 1 << 27
_MAX_HEADERS = 1 << 23
"""Bytes that may be read for headers and names of sections: a name without an end would be looked for in all of a
file, for each section anew."""

_BANNER = re.compile(rb"Linux version ([0-9][!-~]{0,127}) ")
_VERMAGIC = re.compile(rb"(?:^|\0)vermagic=([!-~]{1,127})")
_MODULE_NAME = re.compile(rb"(?:^|\0)name=([!-~]{1,63})")
_CHUNK = 1 << 20
_OVERLAP = 256
_SHF_ALLOC, _SHF_EXECINSTR, _SHF_WRITE = 2, 4, 1
_NOT_CODE = (".BTF", ".BTF_ids", ".orc", ".init.scratch", "__", ".parainstructions", ".alt", ".return_sites", ".call")
"""What no registration is in, by the beginning of the section's name."""


@dataclass(frozen=True, slots=True)
class ElfSections:
    """What an ELF file tells; ``None`` or empty where it does not.

    ``module`` is a module's name, ``btf_base`` the content of its ``.BTF.base``.
    """

    btf: bytes
    btf_ids: bytes | None
    release: str
    arch: str
    code: Code | None = None
    module: str = ""
    btf_base: bytes | None = None


class _Rationed(io.RawIOBase):
    """A file of which only so much may be read."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file = file
        self._left = left

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError("its headers have no end")
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()


class SectionReader:
    """The sections of one ELF file by name, and their bytes, checked against the file."""

    def __init__(self, what: str, file: BinaryIO) -> None:
        """Raises ``ImageError`` beginning with ``what`` where the file is damaged."""
        self.what = what
        self._file = file
        self._size = file.seek(0, 2)
        file.seek(0)
        try:
            self.elf = ELFFile(cast(BinaryIO, _Rationed(file, _MAX_HEADERS)))
            if self.elf.num_sections() > _MAX_SECTIONS:
                raise ImageError(f"{what}: claims {self.elf.num_sections()} sections; the file is damaged")
            self.all: list[ElfSection] = list(self.elf.iter_sections())
            self.arch = str(self.elf["e_machine"]).removeprefix("EM_").lower()
        except (ImageError, OSError):
            raise
        except Exception as error:  # pyelftools lets through whatever its parsers meet in a damaged file
            raise ImageError(f"{what}: is a damaged ELF file ({error or type(error).__name__})") from None
        self.by_name: dict[str, ElfSection] = {}
        for section in self.all:
            self.by_name.setdefault(section.name, section)

    def content(self, section: ElfSection) -> bytes:
        """The bytes of a section; ``ImageError`` where the file does not have them."""
        name, offset, size = section.name, section["sh_offset"], section["sh_size"]
        if section["sh_type"] == "SHT_NOBITS":
            raise ImageError(
                f"{self.what}: its {name} section has no content (a file of debug symbols?); give the vmlinux"
            )
        if section.compressed:
            raise ImageError(f"{self.what}: its {name} section is compressed; decompress it first (objcopy)")
        if size > _MAX_SECTION:
            raise ImageError(
                f"{self.what}: its {name} section is larger than {_MAX_SECTION >> 20} MiB; the file is damaged"
            )
        if offset + size > self._size:
            raise ImageError(f"{self.what}: its {name} section ends beyond the file; the file is cut")
        self._file.seek(offset)
        return self._file.read(size)

    def named(self, name: str) -> bytes | None:
        """The bytes of the section of this name; ``None`` where there is none."""
        return self.content(self.by_name[name]) if name in self.by_name else None

    def release(self) -> str:
        """The release in the banner ``Linux version …``; empty where ``.rodata`` has none."""
        rodata = self.by_name.get(".rodata")
        if rodata is None or rodata["sh_type"] == "SHT_NOBITS" or rodata["sh_offset"] > self._size:
            return ""
        self._file.seek(rodata["sh_offset"])
        left, tail = min(rodata["sh_size"], _MAX_SECTION), b""
        while left > 0 and (chunk := self._file.read(min(_CHUNK, left))):
            if match := _BANNER.search(tail + chunk):
                return match[1].decode("ascii")
            tail = chunk[-_OVERLAP:]
            left -= len(chunk)
        return ""


def read_elf(path: str, file: BinaryIO) -> ElfSections:
    """The sections of the ELF ``file``, called ``path`` in messages.

    Raises ``ImageError`` where it is damaged or has no ``.BTF``, or an empty one.
    """
    reader = SectionReader(str(path), file)
    is_module = ".modinfo" in reader.by_name and ".gnu.linkonce.this_module" in reader.by_name
    btf = reader.named(".BTF")
    if not btf:
        kind = "module" if is_module else "vmlinux"
        raise ImageError(f"{path}: has no .BTF section; give a {kind} built with CONFIG_DEBUG_INFO_BTF=y")
    btf_ids = reader.named(".BTF_ids")
    if is_module:
        return _module(path, reader, btf, btf_ids)
    code = _code(reader) if btf_ids is not None else None
    return ElfSections(btf, btf_ids, reader.release(), reader.arch, code)


def _code(reader: SectionReader) -> Code | None:
    """The code and the data of a vmlinux; what is too large for a kernel's is left out."""
    sections: list[Section] = []
    total = 0
    for section in reader.all:
        flags, size = section["sh_flags"], section["sh_size"]
        if not flags & _SHF_ALLOC or section["sh_type"] != "SHT_PROGBITS" or section.name.startswith(_NOT_CODE):
            continue
        total += size
        if not section["sh_addr"] or total > _MAX_CODE:
            continue
        # .data carries the flag in some kernels, since page tables and trampolines are in it
        executable = bool(flags & _SHF_EXECINSTR) and not flags & _SHF_WRITE
        sections.append(Section(section.name, section["sh_addr"], reader.content(section), executable))
    table = reader.named(".rela.dyn") if reader.arch == "aarch64" else None
    return Code(reader.arch, relocated(sections, table or b""), reader.by_name[".BTF_ids"]["sh_addr"], {})


def _module(path: str, reader: SectionReader, btf: bytes, btf_ids: bytes | None) -> ElfSections:
    from kfunc_lsp.image.module import lay_out

    info = reader.named(".modinfo") or b""
    name = _MODULE_NAME.search(info)
    release = _VERMAGIC.search(info)
    return ElfSections(
        btf,
        btf_ids,
        release[1].decode("ascii") if release else "",
        reader.arch,
        lay_out(reader) if btf_ids is not None else None,
        name[1].decode("ascii") if name else os.path.basename(path).partition(".")[0].replace("-", "_"),
        reader.named(".BTF.base"),
    )
