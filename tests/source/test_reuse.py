"""A reading with a warm cache gives what a cold one gives, whatever was edited above."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.source.text import blank, blank_parts
from kfunc_lsp.unit.model import Unit
from tests.programs import FLAGS, Memory, everything, source

HEADERS = {
    "one.h": "#ifndef ONE_H\n#define ONE_H\n#define H(x) A(x)\n#endif\n",
    "two.h": '#include "one.h"\n#ifdef A\nextern void bpf_two(int x) __ksym;\n#endif\n#if GLUE(1, TAIL) > 9\n'
    "#define PAST(x) bpf_##x\n#endif\nstatic inline void in_two(void)\n{\n\tA(9);\n\tH(9);\n}\n",
    "once.h": "#pragma once\n#define H(x) bpf_two(x)\nstatic inline void in_once(void)\n{\n\tbpf_two(8);\n}\n",
}
LINES = (
    "#include <bpf/bpf_helpers.h>",
    '#include "one.h"',
    '#include "two.h"',
    '#include "once.h"',
    '#include "gone.h"',
    "#include WHICH",
    '#define WHICH "two.h"',
    "#define A bpf_one",
    "#define A bpf_two",
    "#undef A",
    "#define GLUE(a, b) a##b",
    "#define GLUE(a, b) b",
    "#define TAIL 2",
    "#define bpf_one(x) bpf_two(x)",
    "#define bpf_made bpf_two",
    "#define PAST(x) x",
    "#undef H",
    "#ifdef A",
    "#ifndef ONE_H",
    "#else",
    "#endif",
    "#pragma weak bpf_two",
    "extern void bpf_own(int x) __ksym;",
    "extern void bpf_one(int x) __weak __ksym;",
    "static void f(void)\n{\n\tA(1);\n\tH(2);\n}",
    "static void g(void)\n{\n\tGLUE(bpf_, one)(1);\n\tGLUE(GLUE(b, pf_), made)(2);\n}",
    'SEC("tc")\nint h(void *ctx)\n{\n\tif (bpf_one)\n\t\tPAST(own)(3);\n\treturn 0;\n}',
    "static void i(void)\n{\n\tbpf_own(1);",
    "}",
)
KNOWN = frozenset(("bpf_one", "bpf_two"))
PASTES = "#define GLUE(a, b) a##b\n"
STEP = st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from(LINES))


def read(lines: list[str], cache: HeaderCache) -> Unit:
    return read_unit(source("/p/main.bpf.c", "\n".join(lines) + "\n"), cache, FLAGS, KNOWN)


def memory() -> Memory:
    return Memory({f"/p/{name}": source(f"/p/{name}", text) for name, text in HEADERS.items()})


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=14), st.lists(STEP, min_size=1, max_size=8))
def test_any_edit_of_any_line(lines: list[str], steps: list[tuple[int, bool, str]]) -> None:
    files = memory()
    warm = HeaderCache(files)
    read(lines, warm)
    for at, removes, line in steps:
        at = min(at, len(lines))
        lines = [*lines[:at], *([] if removes else [line]), *lines[at + removes :]]
        assert everything(read(lines, warm)) == everything(read(lines, HeaderCache(files)))


NAMES = (
    "unsigned number;",
    "const volatile unsigned number = 1;",
    "static unsigned number;",
    "extern unsigned number __kconfig;",
    "char number[4];",
    "int number(void)\n{\n\treturn 1;\n}",
    "#define number 7",
    "#define ARG number",
    "#define ARG callee",
    "#define CALL(x) bpf_two(x)",
    "extern void bpf_one(int x) __weak __ksym;",
    "extern void *bpf_one(int x) __ksym;",
    "extern int bpf_two(int x) __ksym;",
    "static int callee(void)\n{\n\treturn 0;\n}",
    'int q(void *ctx) SEC("tc");',
    'SEC(".struct_ops")\nstruct ops ops = { .member = (void *)q };',
    "int p(void *ctx)\n{\n\tint local = number;\n\n\tif (bpf_one && number)\n\t\tbpf_one(ARG);\n\tbpf_one(local);\n\t"
    "if (!bpf_two(&number))\n\t\tq(ctx);\n\treturn 0;\n}",
    "int q(void *ctx)\n{\n\tvoid *given = bpf_one(1);\n\n\tif (given)\n\t\tCALL(number);\n\tif (ctx)\n\t\tcallee();\n\t"
    "return callee() ? bpf_two(callee) : 0;\n}",
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(NAMES), max_size=12),
    st.lists(st.tuples(st.integers(0, 40), st.booleans(), st.sampled_from(NAMES)), min_size=1, max_size=6),
)
def test_any_change_of_what_names_mean(lines: list[str], steps: list[tuple[int, bool, str]]) -> None:
    files = memory()
    warm = HeaderCache(files)
    everything(read([*lines, *NAMES[-2:]], warm))
    for at, removes, line in steps:
        at = min(at, len(lines))
        lines = [*lines[:at], *([] if removes else [line]), *lines[at + removes :]]
        text = [*lines, *NAMES[-2:]]
        assert everything(read(text, warm)) == everything(read(text, HeaderCache(files)))


def test_a_declaration_added_behind_a_function() -> None:
    files = memory()
    warm = HeaderCache(files)
    function = "static void f(void)\n{\n}"
    read([function], warm)
    assert "bpf_own" in read([function, "extern void bpf_own(int x) __ksym;"], warm).declarations


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("#define A bpf_one", "#define A bpf_two"),
        ("#define GLUE(a, b) a##b", "#define GLUE(a, b) b"),
        (PASTES + "#define bpf_made bpf_one", PASTES + "#define bpf_made bpf_two"),
        ("#define TAIL 0", "#define TAIL bpf_own(1)"),
        ("", "extern void bpf_own(int x) __ksym;"),
        ("", '#include "once.h"'),
        ('#include "once.h"', ""),
    ],
)
def test_what_stands_below_is_read_anew_where_it_matters(before: str, after: str) -> None:
    """Each line of the text depends on the first in another way: by name, pasting, guards, ``#pragma once``."""
    below = [
        *("#include <bpf/bpf_helpers.h>", '#include "once.h"', '#include "two.h"', '#include "one.h"'),
        "static void f(void)\n{\n\tA(1);\n\tTAIL;\n\tbpf_own(2);\n}",
        "static void g(void)\n{\n\tGLUE(bpf_, one)(1);\n\tGLUE(bpf_, made)(2);\n}",
    ]
    files = memory()
    warm = HeaderCache(files)
    for _ in range(2):
        read([before, *below], warm)
    first = everything(read([before, *below], warm))
    second = everything(read([after, *below], warm))
    assert second == everything(read([after, *below], HeaderCache(files)))
    assert first != second


TEXTS = st.lists(
    st.sampled_from(("\n}", "\n", "/*", "*/", "/", " ", "//", "\\", "\\\n", "\r\n", '"', "'", "a", "1", "\xef\xbb\xbf"))
).map("".join)


@settings(max_examples=500, deadline=None)
@given(st.lists(TEXTS, max_size=4), TEXTS, TEXTS)
def test_blanking_by_parts(parts: list[str], before: str, after: str) -> None:
    """Whatever is known of parts of another text, blanking gives what it gives without."""
    _, known = blank_parts("\n}".join([*parts, before]), {})
    text = "\n}".join([*parts, after])
    assert blank_parts(text, known)[0] == blank(text)


@pytest.mark.parametrize("line", [line for line in NAMES[:-2] if not line.startswith("#")])
@pytest.mark.parametrize("argument", ["number", "callee"])
def test_a_line_that_tells_functions_elsewhere(line: str, argument: str) -> None:
    files = memory()
    warm = HeaderCache(files)
    cut = "static void cut(void)\n{\n}"
    above = [f"#define ARG {argument}", "extern int bpf_two(int x) __ksym;", cut]
    with_it, without = [*above, line, cut, *NAMES[-2:]], [*above, *NAMES[-2:]]
    for text in (with_it, without, with_it):
        assert everything(read(text, warm)) == everything(read(text, HeaderCache(files)))


def test_a_header_that_comes_and_goes() -> None:
    files = memory()
    warm = HeaderCache(files)
    text = ['#if __has_include("new.h")', "extern void bpf_own(int x) __ksym;", "#endif", '#include "new.h"', NAMES[-2]]
    header = source("/p/new.h", "static unsigned number;\n")
    for files.files["/p/new.h"] in (None, header, None):  # type: ignore[assignment]
        assert everything(read(text, warm)) == everything(read(text, HeaderCache(files)))


def test_values_asked_for_after_another_program_was_read() -> None:
    """Two programs share a header's function, in which a variable of theirs is passed on."""
    header = "extern int bpf_one(void *x) __ksym;\nextern int bpf_two(void *x) __ksym;\n"
    header += "static void f(void)\n{\n\tbpf_one(number);\n\tbpf_two(number);\n}"
    files = Memory({"/p/f.h": source("/p/f.h", header)})
    warm = HeaderCache(files)
    late = read(["unsigned number;", '#include "f.h"'], warm)
    assert late.uses[0].value(0)
    everything(read(["const volatile unsigned number = 1;", '#include "f.h"'], warm))
    assert late.uses[1].value(0)
    text = ["unsigned number[4];", '#include "f.h"']
    assert everything(read(text, warm)) == everything(read(text, HeaderCache(files)))
