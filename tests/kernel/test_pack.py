"""The pack's container, and that a pack answers as its image does."""

from __future__ import annotations

import json
import struct
import zlib
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.errors import BtfError, PackError
from kfunc_lsp.image.file import Image
from kfunc_lsp.kernel.classify import build_kernel, decoded
from kfunc_lsp.kernel.export import export
from kfunc_lsp.kernel.model import Kernel, Provenance
from kfunc_lsp.kernel.pack import Pack, PackMeta, read_pack, write_pack
from tests.btfbuilder import VOID, BtfBuilder

META = PackMeta("7.3.4", "x86_64", "a test", "00")
PACK = Pack(META, b"types", b"sets")


def container(content: bytes, **changes: int) -> bytes:
    """A pack with this payload, its header right unless changed."""
    payload = zlib.compress(content)
    fields = {
        "major": 1,
        "minor": 0,
        "crc": zlib.crc32(payload),
        "packed": len(payload),
        "size": len(content),
    } | changes
    return struct.pack("<4sHHIII", b"KFPK", *fields.values()) + payload


def section(tag: bytes, data: bytes) -> bytes:
    return tag + struct.pack("<I", len(data)) + data


def test_reads_what_it_writes() -> None:
    assert read_pack(write_pack(PACK)) == PACK
    assert read_pack(write_pack(Pack(META, b"types", None))).btf_ids is None
    assert write_pack(PACK) == write_pack(PACK)


def test_what_a_later_minor_version_adds_is_passed_over() -> None:
    meta = json.dumps({"release": "8.0", "new": [1], "arch": 5}).encode()
    content = section(b"NEW ", b"x") + section(b"META", meta) + section(b"BTF ", b"types")
    assert read_pack(container(content, minor=7)) == Pack(PackMeta(release="8.0"), b"types", None)


SOUND = section(b"META", b"{}") + section(b"BTF ", b"types")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a kernel pack"),
        (b"KFPK", "not a kernel pack"),
        (b"ELF!" + bytes(40), "not a kernel pack"),
        (container(SOUND, major=2), "format 2 is not read by this version"),
        (container(SOUND, crc=1), "checksum"),
        (container(SOUND)[:-1], "checksum"),
        (container(SOUND) + b"x", "checksum"),
        (container(SOUND, size=3), "does not inflate to the 3 bytes"),
        (container(SOUND, size=9999), "does not inflate to the 9999 bytes"),
        (container(SOUND, size=1 << 30), "claims"),
        (container(section(b"META", b"{}")), "no BTF section"),
        (container(SOUND + b"x"), "list of sections"),
        (container(SOUND + b"LONG\xff\xff\xff\xff"), "ends beyond"),
        (container(section(b"META", b"[") + section(b"BTF ", b"")), "not JSON"),
        (container(section(b"META", b"\xff") + section(b"BTF ", b"")), "not JSON"),
        (container(section(b"META", b"[" * 100_000) + section(b"BTF ", b"")), "not JSON"),
        (container(section(b"META", b"[1]") + section(b"BTF ", b"")), "no JSON object"),
        (container(b"".join(section(b"%4d" % n, b"") for n in range(300))), "list of sections"),
    ],
)
def test_a_damaged_pack_is_one_error(data: bytes, message: str) -> None:
    with pytest.raises(PackError, match=message):
        read_pack(data)


def test_a_payload_that_is_no_zlib_stream() -> None:
    payload = b"nonsense"
    header = struct.pack("<4sHHIII", b"KFPK", 1, 0, zlib.crc32(payload), len(payload), 10)
    with pytest.raises(PackError, match="cannot be inflated"):
        read_pack(header + payload)


def test_a_payload_larger_than_it_claims_is_not_inflated_whole() -> None:
    with pytest.raises(PackError, match="does not inflate"):
        read_pack(container(bytes(1 << 24), size=100))


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_any_content_gives_a_pack_or_a_pack_error(content: bytes) -> None:
    try:
        pack = read_pack(container(content))
    except PackError as error:
        assert str(error).startswith("kernel pack: ")  # noqa: PT017 - either outcome is right
    else:
        assert isinstance(pack.btf, bytes)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=6))
def test_a_damaged_index_in_a_sound_container_gives_a_kernel_or_an_error(changes: list[tuple[int, int]]) -> None:
    pack = whole_pack()
    btf = bytearray(pack.btf)
    for at, value in changes:
        btf[at % len(btf)] = value
    damaged = read_pack(write_pack(Pack(META, bytes(btf), pack.btf_ids)))
    try:
        kernel = decoded(index(damaged.btf, damaged.btf_ids))
    except BtfError as error:
        assert "BTF" in str(error)  # noqa: PT017 - either outcome is right
    else:
        for function in kernel.functions.values():
            assert function.prototype.params is not None


@cache
def whole_pack() -> Pack:
    return read_pack(export(whole_image()))


def whole_image() -> Image:
    """A kernel with a function of every class, and much else."""
    b = BtfBuilder(big_endian=True)
    task = b.ptr(b.const(b.struct("task_struct")))
    b.implicit_kfunc("bpf_implicit", task, [("p", task)], flags=0x20)
    b.implicit_kfunc("bpf_legacy", VOID, [("p", task)], [("meta__ign", b.ptr())], legacy=True)
    b.kfunc("bpf_plain_impl", b.integer(), [("p", b.ptr(b.array(b.union("u"), 3)))])
    b.function("unrelated_impl")
    b.function("not_of_the_index", VOID, [("p", b.ptr(b.struct("not_of_the_index")))])
    b.kfunc("bpf_broken", VOID, [("aux", b.prog_aux())], flags=1 << 16, tagged=False)
    b.kfunc("bpf_magic", flags=1 << 16)
    b.kfunc("bpf_magic_impl", VOID, [("aux__magic", b.prog_aux())], flags=None)
    b.kfunc("bpf_several", VOID, [("fmt", b.ptr())], flags=(0, 0x20), variadic=True)
    b.kfunc("bpf_fentry_test1", b.integer(), [("a", b.integer())])
    return Image("vmlinux", b.build(), b.btf_ids(), "7.3.4", "x86_64")


def index(btf: bytes, ids: bytes | None) -> Kernel:
    return build_kernel(Btf.parse(btf), ids, name="k", release="", provenance=Provenance("pack", "k", ""))


def answers(kernel: Kernel) -> dict[str, object]:
    return {
        f.name: (f.klass, f.tagged, f.flags, f.flag_sets, f.base, f.prototype, f.impl_prototype)
        for f in kernel.functions.values()
    }


@pytest.mark.parametrize("with_ids", [True, False])
def test_a_pack_answers_as_its_image(with_ids: bool) -> None:
    image = whole_image()
    if not with_ids:
        image = Image(image.path, image.btf)
    pack = read_pack(export(image))
    expected = index(image.btf, image.btf_ids)
    assert answers(index(pack.btf, pack.btf_ids)) == answers(expected)
    assert len(expected.functions) == (11 if with_ids else 10)
    assert (pack.btf_ids is not None) == with_ids
    assert b"not_of_the_index" not in pack.btf


def test_the_pack_of_a_pack_is_the_same_pack() -> None:
    data = export(whole_image(), source="a test")
    pack = read_pack(data)
    again = Image("a.kpack", pack.btf, pack.btf_ids, pack.meta.release, pack.meta.arch, pack.meta)
    assert export(again) == data
    assert (pack.meta.release, pack.meta.source, len(pack.meta.btf_sha256)) == ("7.3.4", "a test", 64)


def test_what_does_not_tell_its_kfuncs_cannot_be_exported() -> None:
    b = BtfBuilder()
    b.function("bpf_foo")
    with pytest.raises(BtfError, match="does not tell kfuncs"):
        export(Image("vmlinux", b.build()))
