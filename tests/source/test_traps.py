"""Traps that real programs and hostile ones set for a reader of BPF C, from files on disk."""

from __future__ import annotations

import os
from pathlib import Path

from kfunc_lsp.project import Disk, Project
from kfunc_lsp.source.flags import parse_arguments
from kfunc_lsp.source.headers import LARGE
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import Unit, UseKind
from tests.programs import unit

HEAD = "#include <bpf/bpf_helpers.h>\n"
ONE = "extern void bpf_one(int x) __ksym;\n"


def read(folder: Path, text: str, known: frozenset[str] = frozenset()) -> Unit:
    (folder / "a.bpf.c").write_text(text)
    project = Project(Disk())
    file = project.disk.program(str(folder / "a.bpf.c"))
    return read_unit(file, project.headers, parse_arguments(["-O2", f"-I{folder}"], str(folder)), known)


def names(found: Unit) -> list[tuple[str, str]]:
    return [(use.name, use.function) for use in found.uses]


def test_includes_that_are_no_files(tmp_path: Path) -> None:
    (tmp_path / "folder.h").mkdir()
    (tmp_path / "loop.h").symlink_to(tmp_path / "pool.h")
    (tmp_path / "pool.h").symlink_to(tmp_path / "loop.h")
    os.mkfifo(tmp_path / "fifo.h")
    wanted = ["/dev/zero", "folder.h", "loop.h", "fifo.h", "/proc/self/mem"]
    includes = "".join(f'#include "{name}"\n' for name in wanted)
    found = read(tmp_path, HEAD + includes + ONE + "void f(void)\n{\n\tbpf_one(1);\n}\n")
    assert list(found.missing_headers)[1:] == wanted
    assert names(found) == [("bpf_one", "f")]


def test_two_headers_that_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "a.h").write_text('#include "b.h"\n')
    (tmp_path / "b.h").write_text('#include "a.h"\n' + ONE)
    found = read(tmp_path, HEAD + '#include "a.h"\nvoid f(void)\n{\n\tbpf_one(1);\n}\n')
    assert names(found) == [("bpf_one", "f")]
    assert any("nested too deeply" in problem for problem in found.problems)


def test_windows_line_ends(tmp_path: Path) -> None:
    text = HEAD + "#define CALL(x) \\\n\tbpf_one(x)\n" + ONE + "void f(void)\n{\n\tCALL(1);\n}\n"
    (tmp_path / "dos").mkdir()
    unix, dos = read(tmp_path, text), read(tmp_path / "dos", text.replace("\n", "\r\n"))
    assert names(dos) == names(unix) == [("bpf_one", "f")]
    assert dos.file.position(dos.uses[0].span.start) == unix.file.position(unix.uses[0].span.start)


def test_a_vmlinux_h_that_hides_its_prototypes(tmp_path: Path) -> None:
    """sched_ext defines BPF_NO_KFUNC_PROTOTYPES: calls are then found by the kernel's names."""
    filler = "struct filler { int a; };\n" * (LARGE // 26 + 1)
    (tmp_path / "vmlinux.h").write_text(
        '#ifndef BPF_NO_KFUNC_PROTOTYPES\n#ifndef __ksym\n#define __ksym __attribute__((section(".ksyms")))\n#endif\n'
        "extern void bpf_hidden(int x) __attribute__((weak)) __ksym;\n#endif\n" + filler
    )
    body = '#include "vmlinux.h"\nvoid f(void)\n{\n\tbpf_hidden(1);\n}\n'
    shown = read(tmp_path, body)
    assert names(shown) == [("bpf_hidden", "f")]
    assert shown.is_weak("bpf_hidden")
    hidden = read(tmp_path, "#define BPF_NO_KFUNC_PROTOTYPES\n" + body, frozenset(("bpf_hidden",)))
    assert names(hidden) == [("bpf_hidden", "f")]
    assert hidden.declaration("bpf_hidden") is None


def test_a_strong_redeclaration_of_what_vmlinux_h_has_weak(tmp_path: Path) -> None:
    filler = "struct filler { int a; };\n" * (LARGE // 26 + 1)
    weak = 'extern void bpf_one(int x) __attribute__((weak)) __attribute__((section(".ksyms")));\n'
    (tmp_path / "vmlinux.h").write_text("#define __ksym\n" + weak.replace(";", " __ksym;") + filler)
    found = read(tmp_path, '#include "vmlinux.h"\n#undef __ksym\n' + HEAD + ONE + "void f(void)\n{\n\tbpf_one(1);\n}\n")
    assert found.is_weak("bpf_one")


def test_a_ksym_that_only_a_macro_at_file_level_names() -> None:
    found = unit(
        HEAD + "extern const int sd_id __ksym;\n"
        "#define DEFINE_VAL(name, type, var) static type name(void)\\\n{\\\n\treturn *(type *)&var;\\\n}\n"
        "DEFINE_VAL(get_id, int, sd_id)\n"
    )
    assert names(found) == [("sd_id", "get_id")]


def test_an_empty_ksym_macro_declares_no_ksym() -> None:
    found = unit("#define __ksym\nvoid bpf_one(int x) __ksym;\nvoid f(void)\n{\n\tbpf_one(1);\n}\n")
    assert found.declaration("bpf_one") is None


def test_a_declaration_behind_a_define_begins_behind_it() -> None:
    found = unit(HEAD + "#define TAIL int x\n" + ONE)
    declaration = found.declaration("bpf_one")
    assert declaration is not None
    assert declaration.span.text == ONE.strip()


def test_a_function_pointer_is_a_reference_and_its_call_is_none() -> None:
    found = unit(HEAD + ONE + "void f(void)\n{\n\tvoid (*p)(int) = bpf_one;\n\tp(1);\n}\n")
    assert [(use.name, use.kind) for use in found.uses] == [("bpf_one", UseKind.REFERENCE)]


def test_libbpfs_header_on_the_machine_is_older_than_the_program(tmp_path: Path) -> None:
    """Found by a guess, it need not be what the program is compiled with: libbpf 1.1 has no ``bpf_ksym_exists``."""
    (tmp_path / "bpf").mkdir()
    (tmp_path / "bpf" / "bpf_helpers.h").write_text('#define __ksym __attribute__((section(".ksyms")))\n')
    program = tmp_path / "a.bpf.c"
    guarded = "void f(void)\n{\n\tif (bpf_ksym_exists(bpf_one))\n\t\tbpf_one(1);\n}\n"
    program.write_text(HEAD + "extern void bpf_one(int x) __ksym __weak;\n" + guarded)
    project = Project(Disk())
    file = project.disk.program(str(program))
    found = read_unit(file, project.headers, project.flags(str(program)), frozenset())
    assert [(use.name, use.is_guard) for use in found.uses] == [("bpf_one", True), ("bpf_one", False)]


def test_a_line_that_nobody_wrote_is_left_out_and_said() -> None:
    text = "int a[] = {\n" + "1," * (3 << 20) + "\n};\nint f(void)\n{\n\treturn bpf_foo(1);\n}\n"
    read = unit(text, ["bpf_foo"])
    assert [(use.name, use.function) for use in read.uses] == [("bpf_foo", "f")]
    assert read.problems == ["a line is longer than 1 MiB; it was left out"]
