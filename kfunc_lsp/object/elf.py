"""The ELF container of a BPF object: sections, symbols, relocations of code.

pyelftools reads header and sections; symbols and relocations are plain arrays, read here since there are many. What
they mean is ``read``'s business.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO

from elftools.elf.sections import Section as ElfSection

from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.errors import ImageError, ObjectError
from kfunc_lsp.image.elf import SectionReader

_EM_BPF = "EM_BPF"
_SHF_EXECINSTR = 4
_RELOCATIONS = {"SHT_REL": "QQ", "SHT_RELA": "QQq"}
_STT = {0: "NOTYPE", 1: "OBJECT", 2: "FUNC", 3: "SECTION", 4: "FILE"}
_STB_WEAK = 2
R_BPF_64_64, R_BPF_64_ABS64, R_BPF_64_32 = 1, 2, 10
"""Relocation of an ``ld_imm64``, of a word of data, and of a call."""


class Symbol(NamedTuple):
    """A symbol; ``section`` is the index of the one that defines it, 0 where another file does."""

    name: str
    type: str
    is_global: bool
    is_weak: bool
    section: int
    value: int
    size: int


class Relocation(NamedTuple):
    """The place at ``offset`` (bytes into its section) refers to ``symbol``."""

    offset: int
    type: int
    symbol: Symbol


class BpfElf:
    """One relocatable ELF file for BPF, of either byte order. Contents are read when they are asked for."""

    def __init__(self, what: str, file: BinaryIO) -> None:
        """Raises ``ObjectError`` beginning with ``what`` where ``file`` is damaged or for something else than BPF."""
        self.what = what
        try:
            self._reader = SectionReader(what, file)
        except ImageError as error:
            raise ObjectError(str(error)) from None
        elf = self._reader.elf
        machine = elf["e_machine"]
        if machine != _EM_BPF:
            raise ObjectError(
                f"{what}: is an ELF file for {self._reader.arch or machine}, no BPF object; give what "
                "`clang -target bpf` wrote (kernels are given with --kernel)"
            )
        if elf.elfclass != 64 or elf["e_type"] != "ET_REL":
            raise ObjectError(f"{what}: is no relocatable 64-bit BPF object; give what `clang -target bpf -c` wrote")
        self.order = "<" if elf.little_endian else ">"
        self.sections: list[ElfSection] = self._reader.all
        self.by_name = self._reader.by_name
        self._relocated_by = {
            section["sh_info"]: section for section in self.sections if section["sh_type"] in _RELOCATIONS
        }

    def content(self, section: ElfSection) -> bytes:
        """The bytes of a section. Raises ``ObjectError`` where the file does not have them."""
        if section["sh_type"] == "SHT_NOBITS":
            return b""
        try:
            return self._reader.content(section)
        except ImageError as error:
            raise ObjectError(str(error)) from None

    def named(self, name: str) -> bytes | None:
        """The bytes of the first section of this name, ``None`` without one."""
        return self.content(self.by_name[name]) if name in self.by_name else None

    @cached_property
    def code(self) -> dict[int, str]:
        """Names of the sections that hold instructions, by index."""
        return {
            index: section.name
            for index, section in enumerate(self.sections)
            if section["sh_type"] == "SHT_PROGBITS" and section["sh_flags"] & _SHF_EXECINSTR and section["sh_size"]
        }

    @cached_property
    def symbols(self) -> list[Symbol]:
        """The symbol table; empty where there is none."""
        table = next((s for s in self.sections if s["sh_type"] == "SHT_SYMTAB"), None)
        if table is None:
            return []
        if not 0 <= table["sh_link"] < len(self.sections):
            raise ObjectError(f"{self.what}: its symbols have no names; the file is damaged")
        names = self.content(self.sections[table["sh_link"]])
        data = self.content(table)
        found = []
        known: dict[int, str] = {}
        for name, info, _, section, value, size in struct.iter_unpack(self.order + "IBBHQQ", _whole(data, 24)):
            if name not in known:
                known[name] = printable(names[name : max(names.find(b"\0", name), name)].decode("utf-8", "replace"))
            binding = info >> 4
            found.append(
                Symbol(known[name], _STT.get(info & 15, ""), binding > 0, binding == _STB_WEAK, section, value, size)
            )
        return found

    def relocations(self, section: int) -> Iterator[Relocation]:
        """The relocations of section ``section``, in the file's order; those that name no symbol are left out."""
        table = self._relocated_by.get(section)
        if table is None:
            return
        form = self.order + _RELOCATIONS[table["sh_type"]]
        data = _whole(self.content(table), struct.calcsize(form))
        symbols = self.symbols
        for offset, info, *_ in struct.iter_unpack(form, data):
            index = info >> 32
            if index < len(symbols):
                yield Relocation(offset, info & 0xFFFFFFFF, symbols[index])


def printable(name: str) -> str:
    """``name`` without what would change a terminal that it is shown on."""
    return name if name.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)


def _whole(data: bytes, size: int) -> bytes:
    """``data`` without a last record that is cut."""
    return data[: len(data) - len(data) % size]
