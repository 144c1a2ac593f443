"""Text that is broken, hostile or half-typed: the rest of the program is read all the same."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.unit.guard import Truth
from tests.programs import unit
from tests.source.test_read import HEAD, WEAK, calls, only_call, read


def test_a_macro_bomb_ends_and_the_rest_is_read() -> None:
    bomb = "#define B0 x x x x x x x x bpf_one\n" + "".join(
        f"#define B{i + 1} B{i} B{i} B{i} B{i} B{i} B{i} B{i} B{i}\n" for i in range(12)
    )
    u = read(WEAK + bomb + "int f(void) { return B12; }\n" + "#define Z\nvoid g(void) { bpf_two(1); }\n")
    assert any("200,000" in problem for problem in u.problems)
    assert ("bpf_two", 1, "g") in calls(u)


@pytest.mark.parametrize(
    "broken",
    [
        "bpf_two(",
        "x = bpf_two(1",
        "if (bpf_two(1) {",
        "p->",
        "{ { {",
        'char *s = "open;',
        "char c = 'x;",
        "foo(bar, (baz;",
        "} ) ]",
        "for (;;",
        "#define X(",
        "#if",
    ],
)
def test_broken_code_costs_no_more_than_its_function(broken: str) -> None:
    u = read(
        WEAK + f"void before(void)\n{{\n\tbpf_one(1);\n}}\n\nvoid typing(void)\n{{\n\tbpf_one(2);\n\t{broken}\n"
        "}\n\nvoid after(void)\n{\n\tbpf_one(3);\n}\n" + ("#endif\n" if broken == "#if" else "")
    )
    functions = [function for name, _, function in calls(u) if name == "bpf_one"]
    assert functions[0] == "before"
    if broken != "#if":
        assert functions[:2] == ["before", "typing"]
        assert functions[-1] == "after"


@pytest.mark.parametrize(
    "open_",
    [
        "{",
        "struct x {",
        "struct x {\n\tint a;",
        "int x[] = {",
        "int x[] = {\n\t{ 1 },",
        "void typing(void)\n{",
        "void typing(int a) {\n\tif (a) {",
        "void typing(int a)\n{\n\tfor (;;) {\n\t\tif (a) {\n",
        "{" * 40_000,
        "void typing(void)\n" + "{" * 40_000,
    ],
)
@pytest.mark.parametrize("head", ["void after(void)\n{", "void after(void) {", 'SEC("tc")\nint after(int a)\n{'])
def test_what_stands_open_above_a_function_hides_nothing_in_it(open_: str, head: str) -> None:
    u = read(WEAK + f"{open_}\n{head}\n\tif (1) {{\n\t\tbpf_one(1);\n\t}}\n}}\n")
    assert [function for name, _, function in calls(u) if name == "bpf_one"] == ["after"]


def test_a_brace_too_few_within_a_function_makes_no_other_one() -> None:
    u = read(WEAK + "void f(int a)\n{\n\tif (a) {\n\t\tbpf_one(1);\n\tbpf_for(a, 0, 1) {\n\t\tbpf_one(2);\n}\n")
    assert {function for _, _, function in calls(u)} == {"f"}


PROGRAM = (
    HEAD + WEAK + "#define CALL(x) bpf_one(x)\nint f(int a)\n{\n\tif (bpf_two)\n\t\tCALL(a);\n\treturn 0;\n}\n"
).encode()


@settings(deadline=None)
@given(st.integers(0, len(PROGRAM)), st.integers(0, 40), st.binary(max_size=12))
def test_any_edit_gives_a_unit(at: int, removed: int, added: bytes) -> None:
    u = unit(PROGRAM[:at] + added + PROGRAM[at + removed :], known=("bpf_one", "bpf_two"))
    for use in u.uses:
        assert use.guards is not None
        assert 0 <= use.span.start <= use.span.end <= len(use.span.file.text)


@settings(deadline=None)
@given(st.text(alphabet="#define if(){}[];,\"'\\\n/* ##xyz_09&|!?:", max_size=200))
def test_any_text_gives_a_unit(text: str) -> None:
    for use in unit(HEAD + WEAK + text, known=("x", "y")).uses:
        assert use.guards is not None


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbfint x;",
        b"int p(void) {\x00 return 0; }",
        b"\xff\xfe\x80\n",
        b"int x;\r\n#if 1\r\nint y;\r\n#endif\r\n",
    ],
)
def test_any_bytes_are_a_program(data: bytes) -> None:
    assert not unit(data).uses


@pytest.mark.parametrize("size", [3000, 20000])
@pytest.mark.parametrize(
    "parameter", ["int {}p".format("*" * 9), "{}", "const", "[1]", "*", "!", "(", "struct "], ids=lambda p: p[:8]
)
def test_long_runs_of_one_thing_end(parameter: str, size: int) -> None:
    run = parameter * (size // len(parameter) if parameter else 0)
    u = read(WEAK + f"extern int bpf_x(int {run} p) __ksym;\nvoid f(void) {{ if ({run} x) bpf_one(1); }}\n")
    assert all(use.guards is not None for use in u.uses)


def test_many_ways_to_one_place_are_not_walked_one_by_one() -> None:
    chain = "".join(f"static void f{i}(void) {{ if (q()) f{i + 1}(); if (r()) f{i + 1}(); }}\n" for i in range(60))
    u = read(
        WEAK
        + "static void f60(void);\n"
        + chain
        + 'static void f60(void) { bpf_one(1); }\nSEC("tc") int p(void *c) { f0(); }'
    )
    assert u.reach(only_call(u, "bpf_one"), lambda name: False) is Truth.UNKNOWN


def test_a_byte_order_mark_and_a_large_program() -> None:
    body = HEAD + WEAK + 'char *s = "' + "x" * (1 << 21) + '";\nvoid f(void) { bpf_one(1); }\n'
    assert calls(unit(b"\xef\xbb\xbf" + body.encode())) == [("bpf_one", 1, "f")]
