"""A module's relocatable sections laid out in memory, as the kernel's loader does it.

A ``.ko`` has no addresses: what refers to what is in its relocations. Sections get addresses one after the
other, undefined symbols get places of their own, and the relocations of x86-64 that concern pointers and calls
are applied. So what reads a vmlinux's code reads a module's as well.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from kfunc_lsp.errors import ImageError
from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.image.elf import SectionReader

_START = 0xFFFFFFFFC0000000
"""Where x86-64 loads modules (``MODULES_VADDR``): an address that sign-extends from 32 bits."""

_ALIGNMENT = 0x1000
_UNDEFINED_SPACE = 16
_SHF_ALLOC, _SHF_EXECINSTR = 2, 4
_R_64, _R_PC32, _R_PLT32, _R_32, _R_32S = 1, 2, 4, 10, 11
_IDS = ".BTF_ids"
_MAX_SIZE = 1 << 28
_SKIPPED = (".orc", "__mcount", ".altin", ".return_sites", ".call_sites", ".ibt", ".rela")
_BITS_64 = (1 << 64) - 1
_BITS_32 = (1 << 32) - 1


def lay_out(reader: SectionReader) -> Code:
    """The code and data of the module that ``reader`` has open; without sections where it is not x86-64.

    Raises ``ImageError`` where it is damaged.
    """
    try:
        return _lay_out(reader)
    except (ImageError, OSError):
        raise
    except Exception as error:  # pyelftools lets through whatever its parsers meet in a damaged file
        raise ImageError(f"{reader.what}: is a damaged module ({type(error).__name__}: {error})") from None


def _lay_out(reader: SectionReader) -> Code:
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
    ids = next((index for index in addresses if reader.all[index].name == _IDS), None)
    symbols: dict[str, int] = {}
    if reader.arch == "x86_64" and ids is not None:
        for table in reader.all:
            if isinstance(table, RelocationSection) and table["sh_info"] in contents:
                target = table["sh_info"]
                values = list(_symbol_values(reader, table["sh_link"], addresses, symbols, at))
                if not _apply(contents[target], addresses[target], table, values):
                    raise ImageError(f"{reader.what}: a relocation has no symbol; the file is damaged")
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
    return Code(reader.arch, sections, addresses[ids] if ids is not None else 0, symbols)


def _symbol_values(
    reader: SectionReader, table: int, addresses: dict[int, int], symbols: dict[str, int], end: int
) -> Iterator[int]:
    """The address of each symbol of the table; those of other modules and vmlinux get places after ``end``."""
    section = reader.all[table]
    if not isinstance(section, SymbolTableSection):
        raise ImageError(f"{reader.what}: a relocation section without symbols; the file is damaged")
    for number, symbol in enumerate(section.iter_symbols()):
        index = symbol["st_shndx"]
        if index == "SHN_UNDEF" and symbol.name:
            yield symbols.setdefault(symbol.name, end + number * _UNDEFINED_SPACE)
        elif isinstance(index, int) and index in addresses:
            yield addresses[index] + symbol["st_value"]
        else:
            yield symbol["st_value"]


def _apply(data: bytearray, address: int, table: RelocationSection, values: list[int]) -> bool:
    """Relocate ``data``; false where a relocation refers to a symbol that does not exist."""
    for relocation in table.iter_relocations():
        offset, kind, number = relocation["r_offset"], relocation["r_info_type"], relocation["r_info_sym"]
        if number >= len(values):
            return False
        value = values[number] + relocation.entry.get("r_addend", 0)
        if kind == _R_64 and offset + 8 <= len(data):
            struct.pack_into("<Q", data, offset, value & _BITS_64)
        elif kind in (_R_32, _R_32S) and offset + 4 <= len(data):
            struct.pack_into("<I", data, offset, value & _BITS_32)
        elif kind in (_R_PC32, _R_PLT32) and offset + 4 <= len(data):
            struct.pack_into("<I", data, offset, value - address - offset & _BITS_32)
    return True
