"""``kfunc-lsp check`` of objects: alone, with their source, and what is no object."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.command import ROOT, run

DATA = Path(__file__).parent / "data"
PROGRAM = ROOT / "tests" / "object" / "data" / "el.bpf.o"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder with a program for 6.18 and its object, as clang made it."""
    for name in ("old.bpf.c", "old.bpf.o"):
        shutil.copy(DATA / name, tmp_path)
    return tmp_path


def test_an_object_gets_findings_at_its_source(built: Path) -> None:
    answer = run("check", "old.bpf.o", "--kernel", "6.18", "--kernel", "7.3", cwd=built)
    assert answer.returncode == 1
    assert "error[unflagged-impl-called]: `bpf_wq_set_callback_impl` cannot be called on 7.3" in answer.stdout
    assert "--> old.bpf.c:35:9" in answer.stdout
    assert "35 |     return bpf_wq_set_callback_impl(&e->work, report, 0, NULL);" in answer.stdout
    assert "= 6.18: the declaration does not fit there" in answer.stdout
    assert "fix (" not in answer.stdout


def test_an_object_whose_source_is_gone_gets_the_same_findings(built: Path) -> None:
    with_source = run("check", "old.bpf.o", "--kernel", "7.3", cwd=built).stdout
    (built / "old.bpf.c").unlink()
    without = run("check", "old.bpf.o", "--kernel", "7.3", cwd=built).stdout
    assert "35 |     return bpf_wq_set_callback_impl(&e->work, report, 0, NULL);" in without
    assert without.count("error[") == with_source.count("error[") == 1


def test_source_and_object_of_one_program_are_one_program(built: Path) -> None:
    flags = ("--kernel", "7.3", "-I", str(ROOT / "tests" / "include"))
    answer = run("check", "old.bpf.c", "old.bpf.o", *flags, cwd=built)
    assert answer.stdout.count("cannot be called on 7.3") == 2
    assert "error[unflagged-impl-called]" in answer.stdout
    assert "fix (" in answer.stdout
    assert "hint[unflagged-impl-called]" in answer.stdout
    assert "; only the source has it: old.bpf.o was built without it" in answer.stdout
    assert "2 findings in 1 program (1 error, 1 hint)" in answer.stdout
    swapped = run("check", "old.bpf.o", "old.bpf.c", *flags, cwd=built)
    assert swapped.stdout.splitlines()[:-1] == answer.stdout.splitlines()[:-1]


def test_what_source_and_object_have_on_one_line_is_as_certain_as_either_is() -> None:
    """A loop comes before the call: the source is certain that the verifier gets past it, the object is not."""
    source, built = DATA / "looped.bpf.c", DATA / "looped.bpf.o"
    assert "warning[unguarded-weak-call]" in run("check", built, "--kernel", "6.18").stdout
    for files in ((source,), (source, built)):
        assert "error[unguarded-weak-call]" in run("check", *files, "--kernel", "6.18").stdout


def test_what_only_a_source_can_be_asked_is_no_less_certain_beside_its_object() -> None:
    source, built = DATA / "leak.bpf.c", DATA / "leak.bpf.o"
    for files in ((source,), (source, built)):
        answer = run("check", *files, "--kernel", "7.3")
        assert answer.returncode == 1
        assert "warning[unreleased-reference]" in answer.stdout
        assert "only the source has it" not in answer.stdout


def test_an_archive_is_as_many_programs_as_it_has_members(tmp_path: Path) -> None:
    answer = run("check", PROGRAM.parent / "lib.a", "--kernel", "7.3", cwd=tmp_path)
    assert answer.returncode == 1
    assert " in 2 programs (" in answer.stdout
    assert "error[extern-without-btf]: `bpf_a` has no BTF in the object on 7.3" in answer.stdout
    assert "lib.a(without-btf.bpf.o):1:34" in answer.stdout
    assert ".text: each, instruction 2: call bpf_a" in answer.stdout
    assert "failed to find BTF for extern 'bpf_a': -3" in answer.stdout


def test_an_extern_in_no_section_is_one_of_another_object() -> None:
    answer = run("check", DATA / "noksym.bpf.o", "--kernel", "7.3")
    assert answer.returncode == 1
    assert "error[missing-ksym]: `bpf_rcu_read_lock` is declared without `__ksym` on 7.3" in answer.stdout
    assert "noksym.bpf.c:8:13" in answer.stdout


def test_a_foreign_object_among_others_is_reported_and_the_rest_checked(built: Path) -> None:
    (built / "cut.bpf.o").write_bytes(PROGRAM.read_bytes()[:3000])
    (built / "empty.bpf.o").touch()
    answer = run("check", "cut.bpf.o", "empty.bpf.o", "/bin/sh", "old.bpf.o", "--kernel", "7.3", cwd=built)
    assert answer.returncode == 2
    assert answer.stderr.count("\n") == 3
    assert "kfunc-lsp: empty.bpf.o: is no object, nor an archive of objects" in answer.stderr
    assert "kfunc-lsp: cut.bpf.o: is a damaged ELF file" in answer.stderr
    assert "/bin/sh: is an ELF file for x86_64, no BPF object" in answer.stderr.replace("/usr", "")
    assert "error[unflagged-impl-called]" in answer.stdout
