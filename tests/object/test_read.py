"""Objects that clang built from ``data/program.bpf.c``, in both byte orders: what a unit says of them."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pytest

from kfunc_lsp.errors import ObjectError
from kfunc_lsp.object.read import read_object
from kfunc_lsp.project import Disk
from kfunc_lsp.unit.guard import Exists, Truth
from kfunc_lsp.unit.model import Unit, Use, UseKind

DATA = Path(__file__).parent / "data"
SOURCE = DATA / "program.bpf.c"
ORDERS = ["el.bpf.o", "eb.bpf.o"]


def read(path: Path, known: frozenset[str] = frozenset()) -> Unit:
    with path.open("rb") as file:
        return read_object(str(path), file, Disk().read, known)


def row(use: Use) -> tuple[str, str, str, int, str]:
    file = use.span.file
    return use.name, use.kind.value, use.function, file.position(use.span.start)[0] + 1, use.span.text


@pytest.mark.parametrize("name", ORDERS)
def test_uses_stand_where_the_source_has_them(name: str) -> None:
    unit = read(DATA / name)
    assert unit.file.path == str(SOURCE)
    assert [row(use) for use in unit.uses] == [
        ("bpf_a", "call", "each", 38, "bpf_a"),
        ("bpf_a", "call", "helped", 3, "bpf_a"),
        ("bpf_weak", "reference", "main_program", 49, "bpf_weak"),
        ("bpf_weak", "call", "main_program", 50, "bpf_weak"),
        ("bpf_a", "call", "main_program", 51, "bpf_a"),
        ("bpf_a", "call", "main_program", 51, "bpf_a"),
        ("bpf_a", "call", "main_program", 54, "BOTH"),
        ("bpf_a", "call", "main_program", 54, "BOTH"),
        ("bpf_variable", "reference", "main_program", 54, "bpf_variable"),
        ("bpf_pointer", "reference", "started", 60, "bpf_pointer"),
        ("bpf_pointer", "call", "started", 60, "bpf_pointer"),
    ]


@pytest.mark.parametrize("name", ORDERS)
def test_a_macro_use_is_named_and_an_argument_of_one_is_not(name: str) -> None:
    uses = [use for use in read(DATA / name).uses if use.function == "main_program" and use.name == "bpf_a"]
    twice, both = [("", "TWICE")] * 2, [("BOTH", "BOTH")] * 2
    assert [(use.macro, use.expansion.text) for use in uses] == [*twice, *both]


@pytest.mark.parametrize("name", ORDERS)
def test_declarations_come_from_btf_and_weakness_from_symbols(name: str) -> None:
    unit = read(DATA / name)
    assert {name: unit.is_weak(name) for name in unit.declarations} == {
        "bpf_a": False,
        "bpf_weak": True,
        "bpf_pointer": True,
        "bpf_variable": False,
    }
    declaration = unit.declaration("bpf_a")
    assert declaration is not None
    assert declaration.prototype is not None
    assert len(declaration.prototype.params) == 2
    assert declaration.name_span.file.position(declaration.name_span.start) == (7, 11)
    variable = unit.declaration("bpf_variable")
    assert variable is not None
    assert variable.prototype is None


@pytest.mark.parametrize("name", ORDERS)
def test_functions_their_callers_their_members_and_the_license(name: str) -> None:
    unit = read(DATA / name)
    assert unit.license == "Dual BSD/GPL"
    assert {f.name: (f.section, f.is_static) for f in unit.functions.values()} == {
        "each": ("", True),
        "helped": ("", True),
        "main_program": ("tc", False),
        "started": ("struct_ops.s/init", False),
    }
    assert [(m.function, m.is_call, m.callee, m.argument) for m in unit.functions["each"].mentions] == [
        ("main_program", False, "bpf_loop", 1)
    ]
    assert [(m.function, m.is_call) for m in unit.functions["helped"].mentions] == [("main_program", True)]
    assert unit.functions["started"].members == (("operations", "stop"),)


@pytest.mark.parametrize("name", ORDERS)
def test_guards_are_what_the_branches_say(name: str) -> None:
    unit = read(DATA / name)
    by_kind = {(use.name, use.kind): use for use in unit.uses}
    assert by_kind["bpf_weak", UseKind.REFERENCE].is_guard
    assert by_kind["bpf_pointer", UseKind.REFERENCE].is_guard
    assert not by_kind["bpf_variable", UseKind.REFERENCE].is_guard
    for name in ("bpf_weak", "bpf_pointer"):
        call = by_kind[name, UseKind.CALL]
        assert Exists(name) in call.guards
        assert unit.reach(call, lambda name: True) is Truth.TRUE
        assert unit.reach(call, lambda name: False) is Truth.FALSE
    for use in unit.uses_by_name["bpf_a"]:
        assert unit.reach(use, lambda name: False) is Truth.TRUE
        assert unit.presence(use) is Truth.TRUE
        assert unit.emission(use) is Truth.TRUE


def test_without_its_source_the_object_shows_the_lines_that_it_carries(tmp_path: Path) -> None:
    shutil.copy(DATA / "el.bpf.o", tmp_path)
    unit = read(tmp_path / "el.bpf.o")
    assert unit.file.path == "program.bpf.c"
    use = unit.uses[3]
    assert row(use) == ("bpf_weak", "call", "main_program", 50, "bpf_weak")
    assert unit.file.line(49) == "\t\tbpf_weak(&e->work);"
    assert unit.problems == []


def test_a_source_that_has_changed_since_is_not_shown(tmp_path: Path) -> None:
    shutil.copy(DATA / "el.bpf.o", tmp_path)
    (tmp_path / "program.bpf.c").write_text(SOURCE.read_text().replace("bpf_weak(&e", "bpf_other(&e"))
    unit = read(tmp_path / "el.bpf.o")
    assert unit.file.line(49) == "\t\tbpf_weak(&e->work);"
    assert unit.problems == [f"was built from another {tmp_path / 'program.bpf.c'}; compile again"]


def test_an_object_in_a_build_folder_finds_its_source_above(tmp_path: Path) -> None:
    (tmp_path / "build").mkdir()
    shutil.copy(DATA / "el.bpf.o", tmp_path / "build")
    shutil.copy(SOURCE, tmp_path)
    assert read(tmp_path / "build" / "el.bpf.o").file.path == str(tmp_path / "program.bpf.c")


def test_an_object_without_btf_is_read_as_far_as_it_goes() -> None:
    unit = read(DATA / "without-btf.bpf.o")
    assert unit.declarations == {}
    first = unit.uses[0]
    assert first.span.text == "bpf_a"
    assert first.span.file.line(0) == ".text: each, instruction 2: call bpf_a"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x7fELF", "is a damaged ELF file"),
        ((DATA / "el.bpf.o").read_bytes()[:3000], "is a damaged ELF file"),
        (Path("/bin/sh").read_bytes(), "no BPF object; give what `clang -target bpf` wrote"),
    ],
)
def test_what_is_no_object_is_one_clear_error(data: bytes, words: str) -> None:
    with pytest.raises(ObjectError, match=r"^x\.bpf\.o: ") as error:
        read_object("x.bpf.o", io.BytesIO(data), Disk().read)
    assert words in str(error.value)
