"""The command as a person runs it: what is printed, the exit code."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import EXAMPLE, ROOT, process, run


def test_the_example_has_findings_worth_reading() -> None:
    answer = process("check", EXAMPLE, "--kernel", "6.18", "--kernel", "7.3")
    assert answer.returncode == 1
    assert "error[unflagged-impl-called]: `bpf_wq_set_callback_impl` cannot be called on 7.3" in answer.stdout
    assert "= 6.18: fine (a kfunc of its own there)" in answer.stdout
    assert "warning[implicit-argument-passed]" in answer.stdout
    assert "2 findings in 1 program (1 error, 1 warning) · kernels: 6.18 (bundled 6.18.15+deb13)" in answer.stdout
    assert "\x1b" not in answer.stdout


def test_the_example_is_right_for_its_own_kernel() -> None:
    answer = process("check", EXAMPLE, "--kernel", "6.18")
    assert answer.returncode == 0
    assert "no findings · 1 program · kernel: 6.18 (bundled 6.18.15+deb13)" in answer.stdout


def test_without_a_kernel_the_output_says_which_was_taken() -> None:
    answer = run("check", EXAMPLE)
    assert "kernel by default: " in answer.stdout


def test_the_projects_configuration_names_the_kernels(tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text('kernels = ["6.12", "7.0"]\n')
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    answer = run("check", "p.bpf.c", cwd=tmp_path)
    assert "kernels: 6.12 (bundled 6.12.107+deb13); 7.0 (bundled 7.0.13+deb13)" in answer.stdout
    (tmp_path / "kfunc-lsp.toml").unlink()
    (tmp_path / "pyproject.toml").write_text('[tool.kfunc-lsp]\nkernels = ["7.2"]\n')
    assert "kernel: 7.2 (bundled 7.2.12+deb13)" in run("check", "p.bpf.c", cwd=tmp_path).stdout


def test_a_declaration_that_fits_no_kernel_is_not_called_fine(tmp_path: Path) -> None:
    text = """struct bpf_prog_aux {};
extern int bpf_wq_set_callback_impl(void *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                                    struct bpf_prog_aux *aux) __attribute__((section(".ksyms")));
__attribute__((section("tc"))) int p(void *wq) { return bpf_wq_set_callback_impl(wq, 0, 0, 0); }
"""
    (tmp_path / "p.bpf.c").write_text(text)
    answer = run("check", "p.bpf.c", "-k", "6.18", "-k", "7.3", cwd=tmp_path)
    assert "6.18: the declaration does not fit there (parameter 1" in answer.stdout


def test_a_full_disk_is_said_in_one_line() -> None:
    with open("/dev/full", "w") as full:
        answer = subprocess.run(
            [sys.executable, "-m", "kfunc_lsp", "kernel", "list"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert "no space left" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_targets_and_patterns(tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text('kernels = ["old"]\n[targets]\nold = ["6.1[28].*"]\nnew = "7.3"\n')
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    assert "kernels: 6.18.15+deb13 (bundled); 6.12.107+deb13 (bundled)" in run("check", "p.bpf.c", cwd=tmp_path).stdout
    assert "kernel: new (bundled 7.3.4+deb13)" in run("check", "p.bpf.c", "-k", "new", cwd=tmp_path).stdout
    nothing = run("check", "p.bpf.c", "-k", "./*.btf", cwd=tmp_path)
    assert nothing.returncode == 2
    assert "./*.btf: fits no file" in nothing.stderr


def test_a_kernel_given_twice_is_checked_once(tmp_path: Path) -> None:
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    run("kernel", "export", "7.0", "-o", "a.kpack", cwd=tmp_path)
    (tmp_path / "b.kpack").write_bytes((tmp_path / "a.kpack").read_bytes())
    answer = run("check", "p.bpf.c", "-k", "./a.kpack", "-k", "./b.kpack", "-k", "7.3", cwd=tmp_path)
    assert "note: ./b.kpack is the same kernel as ./a.kpack, and is checked once" in answer.stdout
    assert "kernels: 7.0.13+deb13 (./a.kpack); 7.3 (bundled 7.3.4+deb13)" in answer.stdout


def test_flags_of_the_compilation_database_are_used(tmp_path: Path) -> None:
    program = (
        'extern int bpf_wq_set_callback_impl(void) __attribute__((section(".ksyms")));\n#ifdef CALL\nint p(void) {'
    )
    (tmp_path / "p.bpf.c").write_text(program + " return bpf_wq_set_callback_impl(); }\n#endif\n")
    assert run("check", "p.bpf.c", "-k", "7.3", cwd=tmp_path).returncode == 0
    (tmp_path / "compile_commands.json").write_text(
        f'[{{"directory": "{tmp_path}", "file": "p.bpf.c", "command": "clang -DCALL -c p.bpf.c"}}]'
    )
    assert run("check", "p.bpf.c", "-k", "7.3", cwd=tmp_path).returncode == 1
    (tmp_path / "compile_commands.json").unlink()
    (tmp_path / "compile_flags.txt").write_text("-DCALL\n")
    assert run("check", "p.bpf.c", "-k", "7.3", cwd=tmp_path).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "gone.bpf.c"], "kfunc-lsp: gone.bpf.c: no such file or directory"),
        (["check", "p.bpf.c", "--kernels", "7.3"], "unrecognized arguments: --kernels 7.3; did you mean --kernel?"),
        (["check", "p.bpf.c", "--severity", "loud"], "invalid choice: 'loud'"),
        (["check", "./folder"], "has no program"),
        (["check", "nul.bpf.c"], "a NUL byte in line 2"),
        (["check", "latin1.bpf.c"], "a byte that is no UTF-8 in line 1"),
        (["check", "pipe"], "is no regular file"),
        (["check", "p.bpf.c", "--kernel", "9.9"], "9.9"),
        (["check", "p.bpf.c", "--kernel", "./gone"], "gone"),
        (["check", "p.bpf.c", "--kernel", "./p.bpf.c"], "p.bpf.c"),
        (["check", "p.bpf.c", "--kernel", "./empty"], "empty"),
        (["check", "p.bpf.c", "--kernel", "./truncated.btf"], "truncated.btf"),
        (["check", "p.bpf.c", "--kernel", "./folder"], "folder"),
        (["check", "p.bpf.c", "--kernel", "/bin/sh"], "/bin/sh"),
        (["check", "p.bpf.c", "--kernel", "./" + "n" * 300], "cannot be read: File name too long"),
        (["kernel", "show", "7.3", "--modules", "./" + "n" * 300], "cannot be read: File name too long"),
        (["kernel", "show", "7.3", "bpf_obj_neww"], "7.3 has no kfunc `bpf_obj_neww`; did you mean bpf_obj_new"),
        (["kernel", "show", "7.3", "x"], "7.3 has no kfunc `x`; `kfunc-lsp kernel show 7.3.4+deb13` lists them"),
        (["kernel", "export", "./empty", "-o", "x.kpack"], "empty"),
        (["explain", "no-such-rule"], "no-such-rule"),
        (["explain", "missing-kfuncs"], "there is no rule `missing-kfuncs`; did you mean missing-kfunc"),
        (["kernel", "show", "./folder"], "folder: is a folder without modules; give a kernel's file"),
        (["serve", "--tcp", "65536"], "'65536' is no port; give a number from 0 (any) to 65535"),
        (["kernel", "show", "./types.h"], "kfunc-lsp: types.h: has no kfunc prototypes"),
    ],
)
def test_bad_input_gives_one_error_that_names_it(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    (tmp_path / "empty").touch()
    (tmp_path / "types.h").write_text("#ifndef __VMLINUX_H__\n#define __VMLINUX_H__\ntypedef int s32;\n#endif\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "nul.bpf.c").write_bytes(b"int x;\nint \0 y;\n")
    (tmp_path / "latin1.bpf.c").write_bytes(b"/* \xe9 */ int x;\n")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "truncated.btf").write_bytes(b"\x9f\xeb\x01\x00\x18\x00\x00\x00\x00")
    answer = run(*arguments, cwd=tmp_path)
    assert answer.returncode == 2
    (line,) = answer.stderr.splitlines()
    assert line.startswith(("kfunc-lsp: ", f"kfunc-lsp {arguments[0]}: "))
    assert words in line


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ('kernel = ["7.3"]', "unknown option `kernel`; did you mean `kernels`?"),
        ("kernels = 7.3", "`kernels` must be a list of strings"),
        ("targets = 1", "`targets` must be a table"),
        ("[targets]\nfleet = [1]", "`targets.fleet` must be a list of strings"),
        ("kernels = [", "is no TOML"),
    ],
)
def test_bad_settings_name_the_file_and_what_is_expected(tmp_path: Path, config: str, words: str) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text(config)
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    answer = run("check", "p.bpf.c", cwd=tmp_path)
    assert answer.returncode == 2
    assert "kfunc-lsp.toml" in answer.stderr
    assert words in answer.stderr


def test_an_unreadable_file_among_others_is_reported_and_the_rest_is_checked(tmp_path: Path) -> None:
    (tmp_path / "p.bpf.c").write_bytes(b"int x;\0\xff\n")
    answer = process("check", "gone.bpf.c", "p.bpf.c", EXAMPLE, "--kernel", "7.3", cwd=tmp_path)
    assert answer.returncode == 2
    assert "gone.bpf.c" in answer.stderr
    assert "error[unflagged-impl-called]" in answer.stdout
    assert "1 program (1 error, 1 warning) · 2 files not read · kernel" in answer.stdout
    (tmp_path / "q.bpf.c").write_text("int x;\n")
    assert "no findings · 1 program · 1 file not read" in run("check", "p.bpf.c", "q.bpf.c", cwd=tmp_path).stdout
    assert "nothing checked · 1 file not read" in run("check", "p.bpf.c", cwd=tmp_path).stdout


def test_a_folder_for_headers_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    answer = run("check", "p.bpf.c", "-I", "gone", "-I", ".", cwd=tmp_path)
    assert answer.stderr == "kfunc-lsp: warning: no such folder to search for headers: gone\n"
    assert answer.returncode == 0


def test_a_header_by_itself_says_little(tmp_path: Path) -> None:
    (tmp_path / "p.h").write_text("struct x;\n")
    assert "note: p.h: is a header" in run("check", "p.h", cwd=tmp_path).stdout
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    assert "note" not in run("check", "p.bpf.c", "-k", "7.3", cwd=tmp_path).stdout


def test_kernel_show_lists_and_shows() -> None:
    everything = run("kernel", "show", "7.3").stdout
    assert "7.3 (bundled 7.3.4+deb13): 319 kfuncs" in everything
    assert "69  implicit      kfunc with implicit arguments" in everything
    one = run("kernel", "show", "7.3", "bpf_list_push_front").stdout
    assert "int bpf_list_push_front(struct bpf_list_head *head, struct bpf_list_node *node);" in one
    assert "void *meta__ign /* the verifier passes this */" in one
    assert "u64 off /* the verifier passes this */" in one
    assert "KF_IMPLICIT_ARGS" in one
    broken = run("kernel", "show", "7.2", "scx_bpf_kick_cpu").stdout
    assert "callable in no form" in broken
    assert "cannot find function scx_bpf_kick_cpu_impl in BTF" in broken


def test_an_exported_pack_answers_like_what_it_was_made_from(tmp_path: Path) -> None:
    from tests.btfbuilder import BtfBuilder

    builder = BtfBuilder()
    integer = builder.integer("int")
    builder.implicit_kfunc("bpf_thing", integer, [("x", integer)])
    (tmp_path / "mine.btf").write_bytes(builder.build())
    (tmp_path / "mine.ids").write_bytes(builder.btf_ids())
    made = run("kernel", "export", "./mine.btf", "--btf-ids", "mine.ids", "-o", "mine.kpack", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    shown = run("kernel", "show", "./mine.kpack", "bpf_thing", cwd=tmp_path).stdout
    assert "int bpf_thing(int x);" in shown
    assert "KF_IMPLICIT_ARGS" in shown
    unflagged = run("kernel", "show", "./mine.btf", "bpf_thing", cwd=tmp_path).stdout
    assert "flags unknown in this source" in unflagged
    (tmp_path / "p.bpf.c").write_text("int x;\n")
    notes = {name: run("check", "p.bpf.c", "-k", f"./mine.{name}", cwd=tmp_path).stdout for name in ("btf", "kpack")}
    assert "note: mine: kfunc flags are not known, and what they decide (NULL, references, sleeping, …)" in notes["btf"]
    assert "note:" not in notes["kpack"]


def test_a_port_that_another_has_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        answer = process("serve", "--tcp", port)
    assert (answer.returncode, answer.stderr) == (2, f"kfunc-lsp: 127.0.0.1:{port}: address already in use\n")


def test_explain_prints_the_page() -> None:
    assert "## Why is this bad?" in run("explain", "unflagged-impl-called").stdout
    assert "implicit-argument-passed" in run("explain").stdout


def test_a_reader_that_goes_away_is_no_crash() -> None:
    answer = subprocess.run(
        f"{sys.executable} -m kfunc_lsp kernel show 7.3 | head -1",
        shell=True,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.stderr == ""
