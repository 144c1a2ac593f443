"""A small x86-64 module: relocatable, with symbols, and sets that its init function registers."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from tests.btfbuilder import BtfBuilder

SHT_PROGBITS, SHT_SYMTAB, SHT_STRTAB, SHT_RELA = 1, 2, 3, 4
ALLOC, EXEC = 2, 4
R_64, R_PLT32, R_32S = 1, 4, 11


def module(
    btf: BtfBuilder,
    program_types: Sequence[int],
    *,
    name: str = "mod",
    release: str = "7.3.4",
    btf_base: bytes | None = None,
) -> bytes:
    """A ``.ko`` that registers its one set for each of ``program_types``."""
    text, text_relocations = b"", []
    for program_type in program_types:
        text_relocations.append((len(text) + 3, 2, R_32S, 0))
        text += b"\x48\xc7\xc6\0\0\0\0\xbf" + struct.pack("<I", program_type)
        text_relocations.append((len(text) + 1, 3, R_PLT32, -4))
        text += b"\xe8\0\0\0\0"
    kset = bytes(32)
    kset_relocations = [(8, 4, R_64, 0), (16 - 8 - 8, 1, R_64, 0)]  # the set; and the owner, which is THIS_MODULE
    strings = b"\0set\0register_btf_kfunc_id_set\0"
    symbols = [
        (0, 0, 0),
        (0, 4, 0),  # 1: THIS_MODULE's section
        (0, 2, 0),  # 2: the kset's section
        (strings.index(b"register"), 0, 0),  # 3: undefined
        (strings.index(b"set\0"), 3, 4),  # 4: the set in .BTF_ids, after a word of something else
    ]
    symtab = b"".join(struct.pack("<IBBHQQ", n, 0x10, 0, index, value, 0) for n, index, value in symbols)
    info = f"license=GPL\0name={name}\0vermagic={release} SMP\0".encode()
    sections = [
        (".init.text", text, SHT_PROGBITS, ALLOC | EXEC, 0, 0, 0),
        (".rodata", kset, SHT_PROGBITS, ALLOC, 0, 0, 0),
        (".BTF_ids", b"\7\0\0\0" + btf.btf_ids(), SHT_PROGBITS, ALLOC, 0, 0, 0),
        (".gnu.linkonce.this_module", bytes(64), SHT_PROGBITS, ALLOC, 0, 0, 0),
        (".modinfo", info, SHT_PROGBITS, ALLOC, 0, 0, 0),
        (".BTF", btf.build(), SHT_PROGBITS, 0, 0, 0, 0),
        (".symtab", symtab, SHT_SYMTAB, 0, 8, 1, 24),
        (".strtab", strings, SHT_STRTAB, 0, 0, 0, 0),
        (".rela.init.text", _rela(text_relocations), SHT_RELA, 0, 7, 1, 24),
        (".rela.rodata", _rela(kset_relocations), SHT_RELA, 0, 7, 2, 24),
    ]
    if btf_base is not None:
        sections.append((".BTF.base", btf_base, SHT_PROGBITS, 0, 0, 0, 0))
    return _elf(sections)


def _rela(relocations: Sequence[tuple[int, int, int, int]]) -> bytes:
    return b"".join(
        struct.pack("<QQq", offset, symbol << 32 | kind, addend) for offset, symbol, kind, addend in relocations
    )


def _elf(sections: Sequence[tuple[str, bytes, int, int, int, int, int]]) -> bytes:
    names, content, headers = b"\0", b"", [bytes(64)]
    for name, data, kind, flags, link, info, size in [*sections, (".shstrtab", b"", SHT_STRTAB, 0, 0, 0, 0)]:
        name_off = len(names)
        names += name.encode() + b"\0"
        data = names if name == ".shstrtab" else data
        header = (name_off, kind, flags, 0, 64 + len(content), len(data), link, info, 8, size)
        headers.append(struct.pack("<IIQQQQIIQQ", *header))
        content += data + bytes(-len(data) % 8)
    count = len(headers)
    head = struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, 64 + len(content), 0, 64, 0, 0, 64, count, count - 1)
    return b"\x7fELF\x02\x01\x01" + bytes(9) + head + content + b"".join(headers)
