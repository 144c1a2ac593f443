"""A module's relocatable sections laid out in memory, as the kernel's loader does it.

A ``.ko`` has no addresses: what refers to what is in its relocations. Sections get addresses one after the
other, undefined symbols get places of their own, and the relocations of x86-64 that concern pointers and calls
are applied. So what reads a vmlinux's code reads a module's as well.
"""

from __future__ import annotations

import struct

from kfunc_lsp.errors import ImageError
from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.image.elf import SectionReader

_START = 0xFFFFFFFFC0000000
"""Where x86-64 loads modules (``MODULES_VADDR``): an address that sign-extends from 32 bits."""

_ALIGNMENT = 0x1000
_UNDEFINED_SPACE = 16
_SHF_ALLOC, _SHF_EXECINSTR = 2, 4
_SHN_UNDEF = 0
_R_64, _R_PC32, _R_PLT32, _R_32, _R_32S = 1, 2, 4, 10, 11
_SYMBOL = struct.Struct("<IBBHQQ")
_RELA = struct.Struct("<QQq")
_IDS = ".BTF_ids"
_X86_64 = "x86_64"
_MAX_SIZE = 1 << 26
_MAX_SYMBOLS = 1 << 19
_MAX_RELOCATIONS = 1 << 21
_MAX_NAME = 512
_SKIPPED = (".orc", "__mcount", ".altin", ".return_sites", ".call_sites", ".ibt")
_BITS_64 = (1 << 64) - 1
_BITS_32 = (1 << 32) - 1


def lay_out(reader: SectionReader) -> Code:
    """The code and data of the module that ``reader`` has open; nothing but its machine where that is not x86-64.

    Raises ``ImageError`` where it is damaged.
    """
    if reader.arch != _X86_64 or reader.elf.elfclass != 64 or not reader.elf.little_endian:
        return Code(reader.arch, (), 0, {})
    addresses: dict[int, int] = {}
    contents: dict[int, bytearray] = {}
    at = _START
    for index, section in enumerate(reader.all):
        if section["sh_flags"] & _SHF_ALLOC and section["sh_type"] in ("SHT_PROGBITS", "SHT_NOBITS"):
            addresses[index] = at
            at += section["sh_size"] + (-section["sh_size"]) % _ALIGNMENT
            if at - _START > _MAX_SIZE:
                raise ImageError(f"{reader.what}: its sections are larger than any module's; the file is damaged")
            if section["sh_type"] == "SHT_PROGBITS" and not section.name.startswith(_SKIPPED):
                contents[index] = bytearray(reader.content(section))
    if sum(table["sh_size"] for table in reader.all if table["sh_type"] == "SHT_RELA") > _MAX_RELOCATIONS * _RELA.size:
        raise ImageError(f"{reader.what}: has more relocations than any module; the file is damaged")
    symbols = _Symbols(reader, addresses, at)
    for table in reader.all:
        target = table["sh_info"]
        if table["sh_type"] == "SHT_RELA" and target in contents:
            values = symbols.values(table["sh_link"])
            if not _apply(contents[target], addresses[target], reader.content(table), values):
                raise ImageError(f"{reader.what}: a relocation has no symbol; the file is damaged")
    ids = next((index for index in addresses if reader.all[index].name == _IDS), -1)
    sections = tuple(
        Section(
            reader.all[index].name,
            addresses[index],
            bytes(data),
            bool(reader.all[index]["sh_flags"] & _SHF_EXECINSTR),
        )
        for index, data in contents.items()
        if index != ids
    )
    return Code(reader.arch, sections, addresses.get(ids, 0), symbols.undefined)


class _Symbols:
    """The addresses of symbols; those of other modules and vmlinux get places after the module."""

    def __init__(self, reader: SectionReader, addresses: dict[int, int], end: int) -> None:
        self._reader = reader
        self._addresses = addresses
        self._end = end
        self._tables: dict[int, list[int]] = {}
        self.undefined: dict[str, int] = {}

    def values(self, index: int) -> list[int]:
        """By number, the symbols of the symbol table that is the section ``index``."""
        if index not in self._tables:
            sections = self._reader.all
            table = sections[index] if index < len(sections) else None
            if table is None or table["sh_type"] != "SHT_SYMTAB" or table["sh_link"] >= len(sections):
                raise ImageError(f"{self._reader.what}: a relocation section without symbols; the file is damaged")
            names = self._reader.content(sections[table["sh_link"]])
            data = self._reader.content(table)
            whole = len(data) - len(data) % _SYMBOL.size
            if whole > _MAX_SYMBOLS * _SYMBOL.size:
                raise ImageError(f"{self._reader.what}: has more symbols than any module; the file is damaged")
            self._tables[index] = [
                self._value(names, number, *symbol)
                for number, symbol in enumerate(_SYMBOL.iter_unpack(memoryview(data)[:whole]))
            ]
        return self._tables[index]

    def _value(
        self, names: bytes, number: int, name_off: int, _i: int, _o: int, section: int, value: int, _s: int
    ) -> int:
        if section == _SHN_UNDEF:
            end = names.find(0, name_off, name_off + _MAX_NAME)
            name = names[name_off : max(end, name_off)].decode("utf-8", "replace")
            return self.undefined.setdefault(name, self._end + number * _UNDEFINED_SPACE)
        return self._addresses.get(section, 0) + value


def _apply(data: bytearray, address: int, relocations: bytes, values: list[int]) -> bool:
    """Relocate ``data``; false where a relocation refers to a symbol that does not exist."""
    whole = len(relocations) - len(relocations) % _RELA.size
    for offset, info, addend in _RELA.iter_unpack(memoryview(relocations)[:whole]):
        kind, number = info & _BITS_32, info >> 32
        if number >= len(values):
            return False
        value = values[number] + addend
        if kind == _R_64 and offset + 8 <= len(data):
            struct.pack_into("<Q", data, offset, value & _BITS_64)
        elif kind in (_R_32, _R_32S) and offset + 4 <= len(data):
            struct.pack_into("<I", data, offset, value & _BITS_32)
        elif kind in (_R_PC32, _R_PLT32) and offset + 4 <= len(data):
            struct.pack_into("<I", data, offset, value - address - offset & _BITS_32)
    return True
