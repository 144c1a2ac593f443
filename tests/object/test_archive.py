"""Static archives: what ``ar`` wrote, GNU's and BSD's long names, and what is no archive of objects."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest

from kfunc_lsp.errors import ObjectError
from kfunc_lsp.object.archive import objects
from kfunc_lsp.programs import read_units
from kfunc_lsp.project import Disk, Project

DATA = Path(__file__).parent / "data"
ELF = b"\x7fELF!"


def member(name: str, content: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{644:<8}{len(content):<10}`\n".encode()
    return header + content + b"\n" * (len(content) % 2)


def names(*members: bytes) -> list[str]:
    return [name for name, _ in objects("lib.a", io.BytesIO(b"!<arch>\n" + b"".join(members)))]


def test_each_member_of_an_archive_is_a_program() -> None:
    units = read_units(Project(Disk()), str(DATA / "lib.a"), frozenset())
    assert [len(unit.uses) for unit in units] == [11, 11]
    assert units[1].file.path == f"{DATA / 'lib.a'}(without-btf.bpf.o)"


def test_long_names_of_both_kinds_and_indices() -> None:
    long = b"a_name_longer_than_sixteen.o/\nanother_of_the_same_kind.o/\n"
    assert names(
        member("/", b"\0\0\0\0"),
        member("//", long),
        member("short.o/", ELF),
        member("/0", ELF),
        member(f"/{long.index(b'another')}", ELF),
        member("#1/20", b"bsd_name.o".ljust(20, b"\0") + ELF),
    ) == [
        "lib.a(short.o)",
        "lib.a(a_name_longer_than_sixteen.o)",
        "lib.a(another_of_the_same_kind.o)",
        "lib.a(bsd_name.o)",
    ]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"!<thin>\n", "is a thin archive, which holds names only"),
        (b"!<arch>\nshort", "is a damaged archive"),
        (b"!<arch>\n" + member("a.o/", ELF)[:-3], "the archive is cut"),
        (b"!<arch>\n" + member("a.txt/", b"text"), r"lib.a\(a.txt\): is no object"),
        (b"!<arch>\n" + member("a.o/", ELF)[:48] + struct.pack("10s", b"-1") + b"`\n", "is a damaged archive"),
    ],
)
def test_what_is_no_archive_of_objects_is_one_clear_error(data: bytes, words: str) -> None:
    with pytest.raises(ObjectError, match=words):
        list(objects("lib.a", io.BytesIO(data)))
