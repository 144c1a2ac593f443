"""Program types out of arm64's machine code: a few instructions for each way in which compilers pass an address."""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.image.relative import relocated
from kfunc_lsp.kernel.classify import build_kernel
from kfunc_lsp.kernel.model import Kernel, Provenance
from kfunc_lsp.kernel.targets import resolve
from tests.btfbuilder import BtfBuilder
from tests.image.kernelbuilder import (
    ALLOC,
    EXEC,
    FMODRET,
    IDS,
    KPROBE,
    REGISTER,
    RODATA,
    TEXT,
    XDP,
    KernelBuilder,
    elf64,
)

SP, ZERO = 31, 31
RET = 0xD65F03C0
START = 0x100
"""Where the code begins: ``REGISTER`` and ``FMODRET`` are before."""


def adrp(register: int, address: int, here: int) -> int:
    pages = (address >> 12) - (here >> 12)
    return 0x90000000 | (pages & 3) << 29 | (pages >> 2 & 0x7FFFF) << 5 | register


def add(register: int, source: int, value: int) -> int:
    return 0x91000000 | value << 10 | source << 5 | register


def mov(register: int, value: int) -> int:
    return 0x52800000 | value << 5 | register


def copy(register: int, source: int) -> int:
    return 0xAA0003E0 | source << 16 | register


def branch(address: int, here: int, *, links: bool = True) -> int:
    return (0x94000000 if links else 0x14000000) | (address - here) // 4 & 0x3FFFFFF


def cbz(register: int, words: int, *, nonzero: bool = False) -> int:
    return (0x35000000 if nonzero else 0x34000000) | words << 5 | register


def store(register: int, slot: int) -> int:
    return 0xF9000000 | slot << 10 | SP << 5 | register


def load(register: int, slot: int, base: int = SP) -> int:
    return 0xF9400000 | slot << 10 | base << 5 | register


def kernel(image: KernelBuilder, words: Sequence[int]) -> Kernel:
    text = struct.pack("<I", RET).ljust(START, b"\0") + struct.pack(f"<{len(words)}I", *words)
    sections = (Section(".text", TEXT, text, True), image.code().sections[1])
    provenance = Provenance("image", "k", "")
    code = Code("aarch64", sections, IDS, {})
    return build_kernel(image.btf.parse(), image.ids, name="k", release="k", provenance=provenance, code=code)


def image(filter_address: int = 0) -> tuple[KernelBuilder, int]:
    b = BtfBuilder()
    b.kfunc("bpf_0", flags=(0,))
    built = KernelBuilder(b)
    return built, built.kset(0, filter_address)


def assemble(kset: int, form: str) -> list[int]:
    """Registrations of one kset, written as in ``form``."""
    low = kset & 0xFFF
    words: list[int] = []

    def here() -> int:
        return TEXT + START + 4 * len(words)

    def call(target: int = REGISTER, *, links: bool = True) -> None:
        words.append(branch(target, here(), links=links))

    def address(register: int) -> None:
        words.append(adrp(register, kset, here()))
        words.append(add(register, register, low))

    if form == "plain":
        address(1)
        words.append(mov(0, XDP))
        call()
    elif form == "a zero that was tested":
        words.append(cbz(0, 6, nonzero=True))
        address(1)
        call()
    elif form == "kept over a call and an early return, as an offset in a larger object":
        words += [adrp(19, kset - 0x1000, here()), add(19, 19, 0xFF0), add(1, 19, low + 0x10), mov(0, XDP)]
        call()
        words += [cbz(0, 2), RET, add(1, 19, low + 0x10), mov(0, KPROBE)]
        call()
    elif form == "spilled":
        address(1)
        words += [mov(0, XDP), store(1, 1)]
        call()
        words += [load(1, 1), mov(0, KPROBE)]
        call()
    elif form == "copied, and a jump at the end":
        address(20)
        words += [copy(1, 20), mov(0, XDP)]
        call()
        words += [copy(1, 20), mov(0, KPROBE)]
        call(links=False)
    elif form == "fmod_ret":
        address(0)
        call(FMODRET)
    elif form == "a type that is not constant":
        address(1)
        words.append(load(0, 0, base=5))
        call()
    elif form == "one of two types":
        address(1)
        words += [mov(0, XDP), cbz(7, 2), mov(0, KPROBE)]
        call()
    elif form == "registered again, by an address that is not known":
        address(1)
        words.append(mov(0, XDP))
        call()
        words += [load(1, 0, base=5), mov(0, KPROBE)]
        call()
    else:
        raise ValueError(form)
    return [*words, RET]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("plain", ["XDP"]),
        ("a zero that was tested", ["COMMON"]),
        ("kept over a call and an early return, as an offset in a larger object", ["KPROBE", "XDP"]),
        ("spilled", ["KPROBE", "XDP"]),
        ("copied, and a jump at the end", ["KPROBE", "XDP"]),
        ("fmod_ret", ["FMODRET"]),
        ("a type that is not constant", None),
        ("one of two types", None),
        ("registered again, by an address that is not known", None),
    ],
)
def test_registrations(form: str, expected: list[str] | None) -> None:
    built, kset = image()
    hooks = kernel(built, assemble(kset, form)).functions["bpf_0"].hooks
    assert (None if hooks is None else [hook.name for hook in hooks]) == expected


def test_filters() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_0", flags=(0, 0))
    b.kfunc("bpf_1", flags=(0,))
    built = KernelBuilder(b)
    first, other = built.kset(0, TEXT + START), built.kset(1)
    pairs = built.set_address(1) + 8
    words = [adrp(2, pairs, TEXT + START), add(2, 2, pairs & 0xFFF), RET, 0xD503201F, 0xD503201F]
    for kset in (first, other):
        words += [adrp(1, kset, TEXT + START + 4 * len(words)), add(1, 1, kset & 0xFFF), mov(0, XDP)]
        words.append(branch(REGISTER, TEXT + START + 4 * len(words)))
    found = kernel(built, words).functions
    told = {name: [(h.name, h.filtered, h.crossed) for h in found[name].hooks or ()] for name in ("bpf_0", "bpf_1")}
    assert told["bpf_0"] == [("XDP", True, True)]
    assert told["bpf_1"] == [("XDP", True, False)]


@pytest.mark.parametrize("form", ["pointers in their places", "pointers in a table", "compressed"])
def test_a_flat_image_shows_where_it_is_linked_to_be(tmp_path: Path, form: str) -> None:
    b = BtfBuilder()
    b.kfunc("bpf_0", flags=(0,))
    btf = b.build().ljust(-(-len(b.build()) // 4) * 4, b"\0")
    base, code_at, kset_at, btf_at = 0xFFFF800080000000, 0x1000, 0x3000, 0x8000
    here = base + code_at
    words = [RET, adrp(1, base + kset_at, here + 4), add(1, 1, 0), mov(0, XDP), branch(here, here + 16), RET]
    flat = bytearray(btf_at) + btf + bytes(64) + b.btf_ids() + bytes(4096)
    flat[0x38:0x3C] = b"ARM\x64"
    struct.pack_into("<6I", flat, code_at, *words)
    pointers = {0x2000 + 8 * at: here for at in range(300)} | {kset_at + 8: base + btf_at + len(btf) + 64}
    if form == "pointers in a table":
        records = [word for at, pointer in pointers.items() for word in (base + at, 1027, pointer)]
        struct.pack_into(f"<{len(records)}Q", flat, 0x4000, *records)
    else:
        for at, pointer in pointers.items():
            struct.pack_into("<Q", flat, at, pointer)
    (tmp_path / "Image").write_bytes(gzip.compress(flat) if form == "compressed" else flat)
    found = resolve(str(tmp_path / "Image"))
    assert found.hooks_of == ""
    assert [hook.name for hook in found.functions["bpf_0"].hooks or ()] == ["XDP"]


def test_a_vmlinux_whose_pointers_are_in_a_table(tmp_path: Path) -> None:
    built, kset = image()
    code = built.code().sections
    words = assemble(kset, "plain")
    text = struct.pack("<I", RET).ljust(START, b"\0") + struct.pack(f"<{len(words)}I", *words)
    record = struct.pack("<QQQ", kset + 8, 1027, built.set_address(0))
    rodata = code[1].data.replace(struct.pack("<Q", built.set_address(0)), bytes(8))
    sections = [
        (".text", text, TEXT, ALLOC | EXEC),
        (".rodata", rodata, RODATA, ALLOC),
        (".BTF", built.btf.build(), RODATA + 0x100000, ALLOC),
        (".BTF_ids", built.ids, IDS, ALLOC),
    ]
    for table, expected in ((record, ["XDP"]), (b"", None)):
        data = elf64([*sections, (".rela.dyn", table, RODATA + 0x200000, ALLOC)], machine=183)
        (tmp_path / "vmlinux").write_bytes(data)
        found = resolve(str(tmp_path / "vmlinux")).functions["bpf_0"].hooks
        assert (found and [hook.name for hook in found]) == expected


@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=30))
def test_any_table_is_applied_within_the_sections(words: list[int]) -> None:
    sections = (Section("a", 0x1000, bytes(32), False), Section("b", 0x2000, bytes(9), True))
    table = struct.pack(f"<{len(words)}Q", *words) + struct.pack("<QQQ", 0x1018, 1027, 7)
    if len(words) % 3 == 0:
        assert relocated(sections, table)[0].data[24:] == struct.pack("<Q", 7)
    assert [len(each.data) for each in relocated(sections, table)] == [32, 9]


def test_code_that_is_no_kernels_is_not_walked() -> None:
    built, kset = image()
    words = [adrp(1, kset, TEXT + START)] * (1 << 19)
    assert kernel(built, words).functions["bpf_0"].hooks is None


@settings(max_examples=60)
@given(st.lists(st.integers(0, (1 << 32) - 1), max_size=40), st.integers(0, 6))
def test_any_code_is_read(noise: list[int], at: int) -> None:
    built, kset = image()
    words = assemble(kset, "spilled")
    assert "bpf_0" in kernel(built, [*words[:at], *noise, *words[at:]]).functions
