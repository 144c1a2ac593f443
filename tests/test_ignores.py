"""Comments that hide findings: what they are for, and the edit that writes one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfunc_lsp.check import check, known_names
from kfunc_lsp.ignores import ignores_in, ignoring
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.model import Finding
from kfunc_lsp.unit.model import SourceFile, Unit
from tests.programs import applied, source, unit

KERNELS = [resolve("7.3")]
HEAD = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";
extern void bpf_task_none(struct task_struct *p) __weak __ksym;
"""
CALL = "bpf_task_none(0);"
FOUND = "unguarded-weak-call"
IGNORE = f"kfunc-lsp: ignore[{FOUND}]"


def read(body: str) -> Unit:
    return unit(HEAD + body, known_names(KERNELS))


def found(body: str) -> list[tuple[str, int]]:
    """Rules and lines (of ``body``, from 0) of the findings."""
    lines = HEAD.count("\n")
    return [(f.rule.name, f.span.file.position(f.span.start)[0] - lines) for f in check(read(body), KERNELS)]


FUNCTION = 'SEC("tc")\nint p(void *c)\n{\n\tif (c)\n\t\tCALL\n\tCALL\n\treturn 0;\n}\n'.replace("CALL", CALL)


def test_without_a_comment_both_calls_are_found() -> None:
    assert found(FUNCTION) == [(FOUND, 4), (FOUND, 5)]


@pytest.mark.parametrize("comment", [f" // {IGNORE}", f" /* {IGNORE} for old kernels */", f"//  {IGNORE} why"])
def test_behind_code_a_comment_is_for_its_line(comment: str) -> None:
    assert found(FUNCTION.replace(f"\t\t{CALL}", f"\t\t{CALL}{comment}")) == [(FOUND, 5)]


@pytest.mark.parametrize("comment", [f"// {IGNORE}\n", f"/* {IGNORE} */\n\n// More.\n", f"/*\n * {IGNORE}\n */\n"])
def test_above_a_function_it_is_for_all_of_it(comment: str) -> None:
    assert found(comment + FUNCTION) == []
    assert (
        found(f"#define OPEN {{\n#if A\nint f() {{\n#else\nint g() {{\n#endif\n\treturn 0;\n}}\n{comment}{FUNCTION}")
        == []
    )
    other = FUNCTION.replace("int p", "int q")
    assert found(comment + FUNCTION + other) == [(FOUND, line + comment.count("\n") + 8) for line in (4, 5)]


def test_above_a_statement_it_is_for_that() -> None:
    assert found(FUNCTION.replace("\tif", f"\t// {IGNORE}\n\tif")) == [(FOUND, 6)]
    split = FUNCTION.replace(f"\t{CALL}\n\treturn", f"\t// {IGNORE}\n\tbpf_task_none(\n\t\t0);\n\t{CALL}\n\treturn")
    assert found(split) == [(FOUND, 4), (FOUND, 8)]


def test_a_string_or_another_comment_is_no_comment() -> None:
    assert len(found(FUNCTION.replace(CALL, f'{CALL} char s[] = "// {IGNORE}";'))) == 2
    assert len(found(FUNCTION.replace(CALL, f"{CALL} // as in // {IGNORE}"))) == 2


@pytest.mark.parametrize(
    ("line", "with_comment"),
    [
        ("CALL", f"CALL // {IGNORE}"),
        ("CALL  ", f"CALL // {IGNORE}"),
        ("CALL // why", f"CALL /* {IGNORE} */ // why"),
        ("CALL /* begins\n ends */", f"CALL /* {IGNORE} */ /* begins\n ends */"),
        ("CALL /* kfunc-lsp: ignore[missing-kfunc] */", f"CALL /* kfunc-lsp: ignore[missing-kfunc, {FOUND}] */"),
    ],
)
def test_the_edit_hides_what_it_was_made_for(line: str, with_comment: str) -> None:
    body = f'SEC("tc") int p(void *c)\n{{\n\t{line}\n\treturn 0;\n}}\n'.replace("CALL", CALL)
    program = read(body)
    (finding,) = (f for f in check(program, KERNELS) if f.rule.name == FOUND)
    fix = ignoring(program, finding)
    assert fix is not None
    fixed = applied(program.file.text, [fix])
    assert with_comment.replace("CALL", CALL) in fixed
    assert FOUND not in [f.rule.name for f in check(unit(fixed, known_names(KERNELS)), KERNELS)]


def test_a_finding_in_a_header_is_hidden_there() -> None:
    def hidden(comment: str) -> list[Finding]:
        header = f"static inline void f(void)\n{{\n\tbpf_task_none(0);{comment}\n}}\n"
        body = '#include "own.h"\nSEC("tc") int p(void *c)\n{\n\tf();\n\treturn 0;\n}\n'
        program = unit(HEAD + body, known_names(KERNELS), {"own.h": header})
        findings = check(program, KERNELS)
        assert all(ignoring(program, finding) is None for finding in findings)
        return findings

    assert [f.rule.name for f in hidden("")] == [FOUND]
    assert hidden(f" // {IGNORE}") == []
    assert hidden(" // kfunc-lsp: ignore[legacy-impl]") != []


@given(
    st.lists(
        st.sampled_from(
            ["// kfunc-lsp: ignore[a]", "/*", "*/", "kfunc-lsp: ignore[", '"', "{", "}", ";", "\n", "(", "x"]
        )
    )
)
def test_any_text_is_read(parts: list[str]) -> None:
    file: SourceFile = source("/p/any.bpf.c", " ".join(parts))
    for ignore in ignores_in(file):
        assert 0 <= ignore.start <= ignore.end <= len(file.text)
        assert ignore.span.text.startswith("/")
