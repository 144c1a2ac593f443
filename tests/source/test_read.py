"""What a unit says of a program's text. Most cases are traps that real programs set."""

from __future__ import annotations

import pytest

from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, Use, UseKind
from tests.programs import unit

HEAD = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\n'
ACQUIRE = "extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;\n"
WEAK = "extern void bpf_one(int x) __weak __ksym;\nextern void bpf_two(int x) __weak __ksym;\n"


def read(body: str, **headers: str) -> Unit:
    return unit(HEAD + body, headers={name.replace("_h", ".h"): text for name, text in headers.items()})


def type_of(u: Unit, name: str) -> object:
    declaration = u.declaration(name)
    assert declaration is not None
    return declaration.type


def calls(u: Unit) -> list[tuple[str, int, str]]:
    return [(use.name, use.argument_count, use.function) for use in u.uses if use.kind is UseKind.CALL]


def test_a_call_its_arguments_its_function_and_its_section() -> None:
    u = read(ACQUIRE + 'SEC("tc")\nint p(struct __sk_buff *ctx)\n{\n\treturn !!bpf_task_acquire((void *)ctx);\n}\n')
    (use,) = u.uses
    assert (use.name, use.argument_count, use.function) == ("bpf_task_acquire", 1, "p")
    assert use.span.text == "bpf_task_acquire"
    assert use.arguments[0] is not None
    assert use.arguments[0].text == "(void *)ctx"
    assert u.functions["p"].section == "tc"


def test_a_declaration_says_what_clang_would_emit() -> None:
    u = read(
        "extern int bpf_x(const struct task_struct *p, u64 flags, struct later *q, void *(*cb)(int)) __weak __ksym;"
    )
    declaration = u.declaration("bpf_x")
    assert declaration is not None
    assert declaration.weak
    assert [span and span.text for span in declaration.params] == [
        "const struct task_struct *p",
        "u64 flags",
        "struct later *q",
        "void *(*cb)(int)",
    ]
    assert "Fwd(name='later'" in repr(declaration.prototype)
    assert "Struct(name='task_struct'" in repr(declaration.prototype)


def test_a_struct_that_is_defined_after_the_declaration_is_complete() -> None:
    u = read("extern int bpf_x(struct later *q) __ksym;\nstruct later { int x; };\n")
    assert "Struct(name='later'" in repr(type_of(u, "bpf_x"))


def test_a_struct_of_a_missing_header_is_unknown_not_forward_declared() -> None:
    u = read('#include "gone.h"\nextern int bpf_x(struct later *q) __ksym;\n')
    assert u.missing_headers == ["gone.h"]
    assert "Unknown(name='struct later'" in repr(type_of(u, "bpf_x"))


def test_one_weak_declaration_makes_the_symbol_weak() -> None:
    u = read("extern void bpf_x(void) __ksym;\nextern void bpf_x(void) __weak __ksym;\n")
    assert u.is_weak("bpf_x")


def test_comments_and_strings_hold_no_calls() -> None:
    u = read(
        ACQUIRE + 'int p(void) { /* bpf_task_acquire(0) */ // bpf_task_acquire(0)\n return "bpf_task_acquire(0)"[0]; }'
    )
    assert not u.uses


def test_a_comment_over_lines_inside_a_define() -> None:
    u = read(ACQUIRE + "#define GET(x) /* a\n   b */ bpf_task_acquire(x)\nint p(void) { return !!GET(0); }\n")
    assert calls(u) == [("bpf_task_acquire", 1, "p")]


def test_a_name_that_only_ends_like_ksym() -> None:
    u = read("extern int bpf_iter__ksym(int x);\nint p(void) { return bpf_iter__ksym(1); }\n")
    assert not u.declarations
    assert not u.uses


def test_macros_are_what_they_are_where_they_are_used() -> None:
    u = read(
        WEAK
        + "#define CALL(x) bpf_one(x)\nvoid f(void) { CALL(1); }\n"
        + "#undef CALL\n#define CALL(x) bpf_two(x)\nvoid g(void) { CALL(1); }\n"
    )
    assert calls(u) == [("bpf_one", 1, "f"), ("bpf_two", 1, "g")]


def test_a_macro_named_like_the_kfunc_that_it_calls() -> None:
    u = read(WEAK + "#define bpf_one(a, b) bpf_one(a + b)\nvoid f(void) { bpf_one(1, 2); }\n")
    assert calls(u) == [("bpf_one", 1, "f")]


def test_pasted_names_are_found() -> None:
    u = read(WEAK + "#define CALL(which, arg) bpf_##which(arg)\nvoid f(void) { CALL(two, 1); }\n")
    assert calls(u) == [("bpf_two", 1, "f")]


def test_a_macro_call_points_to_its_use_and_its_definition() -> None:
    u = read(WEAK + "#define INNER(x) bpf_one(x)\n#define OUTER(x) INNER(x)\nvoid f(void) { OUTER(1); }\n")
    (use,) = u.uses
    assert use.span.text == "OUTER"
    assert use.macro == "OUTER"
    assert use.definition is not None
    assert use.definition.text == "OUTER"


def test_an_argument_of_a_macro_is_shown_where_it_is_written() -> None:
    u = read(WEAK + "#define TWICE(x) do { x; x; } while (0)\nvoid f(void) { TWICE(bpf_one(1)); }\n")
    assert {use.span.text for use in u.uses} == {"bpf_one"}
    assert len(u.uses) == 2


def test_a_macro_that_drops_its_argument_drops_the_call() -> None:
    u = read(WEAK + "#define debug(x)\nvoid f(void) { debug(bpf_one(1)); }\n")
    assert not u.uses


def test_gnu_comma_and_named_variable_arguments() -> None:
    u = read(WEAK + "#define f1(x, args...) g(x, ##args)\nvoid f(void) { f1(bpf_one(1)); f1(1, bpf_two(2)); }\n")
    assert [use.name for use in u.uses] == ["bpf_one", "bpf_two"]


def test_inactive_code_is_no_code() -> None:
    u = read(WEAK + "#if 0\nvoid f(void) { bpf_one(1); }\n#else\nvoid f(void) { bpf_two(1); }\n#endif\n")
    assert calls(u) == [("bpf_two", 1, "f")]


def test_conditionals_that_split_a_body() -> None:
    u = read(
        WEAK
        + "void f(void)\n{\n#ifdef X\n\tif (1) {\n#else\n\t{\n#endif\n\t\tbpf_one(1);\n\t}\n}\n"
        + "void g(void) { bpf_two(1); }\n"
    )
    assert calls(u) == [("bpf_one", 1, "f"), ("bpf_two", 1, "g")]


def test_a_struct_member_of_the_same_name_is_not_the_kfunc() -> None:
    u = read(
        WEAK + "struct ops { void (*bpf_one)(int); };\nvoid f(struct ops *o) { o->bpf_one(1); (*o).bpf_one(2); }\n"
    )
    assert not u.uses


def test_a_function_that_is_defined_here_is_not_the_kernels() -> None:
    u = unit(
        HEAD + "static int bpf_mine(int x) { return x; }\nint p(void) { return bpf_mine(1); }", known=("bpf_mine",)
    )
    assert not u.uses


def test_a_known_name_is_found_without_its_header() -> None:
    text = '#include "vmlinux_of_theirs.h"\nSEC("tc") int p(void *ctx) { return !!bpf_task_acquire(ctx); }\n'
    u = unit(text, known=("bpf_task_acquire",))
    assert calls(u) == [("bpf_task_acquire", 1, "p")]
    assert u.functions["p"].section == "tc"


def test_calls_without_a_call_expression() -> None:
    u = read(
        WEAK
        + "void f(void)\n{\n\tint x __attribute__((cleanup(bpf_one))) = 0;\n"
        + '\tasm volatile("call %[bpf_two];" :: [bpf_two]"i"(bpf_two));\n}\n'
    )
    assert (UseKind.CLEANUP, "bpf_one") in [(use.kind, use.name) for use in u.uses]
    assert (UseKind.ASM, "bpf_two") in [(use.kind, use.name) for use in u.uses]


def test_calls_of_a_name_in_brackets() -> None:
    text = "extern int bpf_foo(int x) __ksym;\nint f(void)\n{\n\t%s;\n}\n"
    for call in ("(bpf_foo)(1)", "(*bpf_foo)(1)", "return (&bpf_foo)(1)"):
        (use,) = unit(HEAD + text % call).uses
        assert (use.kind, use.argument_count) == (UseKind.CALL, 1)
    for passed in ("f(bpf_foo)(1)", "f(&bpf_foo)(1)"):
        (use,) = unit(HEAD + text % passed).uses
        assert use.kind is UseKind.REFERENCE


def test_a_header_of_declarations_for_a_macro_of_the_program() -> None:
    headers = {"list.h": "X(bpf_foo)\n"}
    text = (
        '#define X(name) extern int name(int x) __ksym;\n#include "list.h"\nint f(void)\n{\n\treturn bpf_foo(1);\n}\n'
    )
    found = unit(HEAD + text, headers=headers)
    assert [use.name for use in found.uses] == ["bpf_foo"]
    assert list(found.declarations) == ["bpf_foo"]


def test_headers_count_too() -> None:
    u = read(
        '#include "mine.h"\nint p(void) { return g(); }\n',
        mine_h=WEAK + "static inline int g(void) { bpf_one(1); return 0; }",
    )
    (use,) = u.uses
    assert use.span.file.path == "/p/mine.h"
    assert u.emission(use) is Truth.TRUE


def test_a_header_that_includes_itself_ends() -> None:
    u = read('#include "loop.h"\nint p(void) { return 0; }\n', loop_h='#include "loop.h"\n')
    assert u.problems == ["includes are nested too deeply; the rest was left out"]


def only_call(u: Unit, name: str) -> Use:
    (use,) = [use for use in u.uses if use.name == name and use.kind is UseKind.CALL]
    return use


@pytest.mark.parametrize(
    ("body", "without", "with_it"),
    [
        ("bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("if (bpf_ksym_exists(bpf_one)) bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (bpf_one) { bpf_one(1); }", Truth.FALSE, Truth.TRUE),
        ("if (!bpf_one) return 0; bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (!bpf_one) goto out; bpf_one(1); out: return 0;", Truth.FALSE, Truth.TRUE),
        ("if (bpf_one) return 0; bpf_one(1);", Truth.TRUE, Truth.FALSE),
        ("if (bpf_one) ; else bpf_one(1);", Truth.TRUE, Truth.FALSE),
        ("if (x && bpf_one) bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (x || bpf_one) bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("bool has = bpf_ksym_exists(bpf_one); if (has) bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("bpf_one ? bpf_one(1) : (void)0;", Truth.FALSE, Truth.TRUE),
        ("bpf_one && (bpf_one(1), 0);", Truth.FALSE, Truth.TRUE),
        ("if (bpf_one == 0) return 0; bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (bpf_one != (void *)0) bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (bpf_two) bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (bpf_get_prandom_u32()) bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("if (rodata) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("if (global) bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("for (int i = 0; i < 3; i++) { if (!bpf_one) continue; bpf_one(1); }", Truth.FALSE, Truth.TRUE),
        ("switch (x) { case 1: if (!bpf_one) break; bpf_one(1); }", Truth.FALSE, Truth.TRUE),
        ("switch (x) { case 1: if (!bpf_one) break; case 2: bpf_one(1); }", Truth.TRUE, Truth.TRUE),
        ("if (x) goto in; if (!bpf_one) return 0; in: bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("do { if (!bpf_one) return 0; } while (0); bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("{ if (!bpf_one) return 0; } bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (!bpf_one) { if (x) return 0; else return 1; } bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (!bpf_one) {{ return 0; }} bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (!bpf_one) bpf_throw(0); bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("bpf_assert(bpf_one); bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("for (;;) { if (!bpf_one) return 0; break; } bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("REQUIRE(bpf_one); bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("if (&bpf_one) bpf_one(1);", Truth.FALSE, Truth.TRUE),
        ("return 0; bpf_one(1);", Truth.FALSE, Truth.FALSE),
        ("while (0) bpf_one(1);", Truth.FALSE, Truth.FALSE),
        ("if (x) goto in; if (0) { in: bpf_one(1); }", Truth.UNKNOWN, Truth.UNKNOWN),
        ("bool ok = 1; ok &= !!bpf_one; if (ok) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("int f = 0; if (bpf_one) f |= 1; if (f & 1) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("bool ok; fill(&ok); if (ok) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("int i = 0; WRITES(i); if (i) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("void *e = bpf_map_lookup_elem(0, 0); if (!e) return 0; bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("void *e = bpf_map_lookup_elem(0, 0); if (!e) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("if (x < 0) return 0; bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("if (ctx->len) bpf_one(1);", Truth.TRUE, Truth.TRUE),
        ("return bpf_ksym_exists(bpf_one) && (bpf_one(1), 1);", Truth.FALSE, Truth.TRUE),
        ("return bpf_one ? (bpf_one(1), 1) : 0;", Truth.FALSE, Truth.TRUE),
        ("return !bpf_one ? 0 : (bpf_one(1), 1);", Truth.FALSE, Truth.TRUE),
        ("if (USE) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("if (by_section) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
        ("if (bpf_as_a_macro()) bpf_one(1);", Truth.UNKNOWN, Truth.UNKNOWN),
    ],
)
def test_guards(body: str, without: Truth, with_it: Truth) -> None:
    u = read(
        WEAK
        + "const volatile int rodata = 0;\nint global;\nenum { USE = 0 };\n"
        + 'volatile int by_section SEC(".rodata.cfg") = 0;\n'
        + "#define bpf_as_a_macro() (rodata)\n#define WRITES(v) v = 1\n"
        + "#define REQUIRE(k) do { if (!(k)) return 0; } while (0)\n"
        + f'SEC("tc") int p(struct __sk_buff *ctx) {{ int x = bpf_get_prandom_u32(); {body} return 0; }}\n'
    )
    use = only_call(u, "bpf_one")
    assert u.reach(use, lambda name: False) is without
    assert u.reach(use, lambda name: True) is with_it


def test_a_guard_in_the_caller_counts() -> None:
    u = read(
        WEAK
        + "static void inner(void) { bpf_one(1); }\nstatic void outer(void) { if (bpf_one) inner(); }\n"
        + 'SEC("tc") int p(void *ctx) { outer(); return 0; }\n'
    )
    assert u.reach(only_call(u, "bpf_one"), lambda name: False) is Truth.FALSE
    assert u.reach(only_call(u, "bpf_one"), lambda name: True) is Truth.TRUE


def test_code_that_no_one_calls_is_not_emitted() -> None:
    u = read(
        WEAK + "static inline void f(void) { bpf_one(1); }\nstatic void g(void) { bpf_two(1); }\nvoid h(void) { g(); }"
    )
    assert u.emission(only_call(u, "bpf_one")) is Truth.FALSE
    assert u.emission(only_call(u, "bpf_two")) is Truth.TRUE


def test_code_that_the_compiler_may_drop_is_not_certain() -> None:
    u = read(
        WEAK + "static const int off = 0;\nvoid f(void) { if (off) bpf_one(1); if (sizeof(int) == 8) bpf_two(1); }"
    )
    assert u.emission(only_call(u, "bpf_one")) is Truth.UNKNOWN
    assert u.emission(only_call(u, "bpf_two")) is Truth.UNKNOWN


def test_what_a_macro_of_the_same_name_hides_is_no_call() -> None:
    u = read(WEAK + "#define bpf_one(x) (0)\nint f(void) { return bpf_one(1); }\n")
    assert not u.uses


@pytest.mark.parametrize(
    "declaration",
    [
        "extern void (bpf_x)(int) __ksym __weak;",
        "extern void bpf_x(int a __attribute__((unused))) __ksym __weak;",
        'extern void bpf_x(int) __attribute((section(".ksyms"), weak));',
        "extern void bpf_y(int) __ksym __weak, bpf_x(int) __ksym __weak;",
        "typedef void fn(int);\nextern fn bpf_x __ksym __weak;",
        "#pragma weak bpf_x\nextern void bpf_x(int) __ksym;",
        "extern void bpf_x() __ksym __weak;\nextern void bpf_x(int) __ksym __weak;",
    ],
)
def test_declarations_in_every_dress(declaration: str) -> None:
    u = read(declaration + "\n")
    found = u.declaration("bpf_x")
    assert found is not None
    assert found.prototype is not None
    assert len(found.prototype.params) == 1
    assert u.is_weak("bpf_x")


def test_an_edit_far_away_changes_nothing_else() -> None:
    """The same text read with a cache that knows an earlier state, and with none."""
    from kfunc_lsp.source.cache import HeaderCache
    from kfunc_lsp.source.read import read_unit
    from tests.programs import FLAGS, Memory, source

    text = HEAD + WEAK + "".join(f"void f{i}(void)\n{{\n\tbpf_one({i});\n}}\n" for i in range(5))
    cache = HeaderCache(Memory())
    for edit in ("\tint x;\n\tbpf_one(2);", "#define bpf_one(x) bpf_two(x)\n\tbpf_one(2);", "\tbpf_one(2)", "}", "/*"):
        edited = text.replace("\tbpf_one(2);", edit)
        read_unit(source("/p/a.bpf.c", text), cache, FLAGS, frozenset())
        warm = read_unit(source("/p/a.bpf.c", edited), cache, FLAGS, frozenset())
        cold = read_unit(source("/p/a.bpf.c", edited), HeaderCache(Memory()), FLAGS, frozenset())
        assert [(u.name, u.span.start, u.function) for u in warm.uses] == [
            (u.name, u.span.start, u.function) for u in cold.uses
        ]


def test_the_license_is_the_string_in_its_section() -> None:
    assert read('char _license[] SEC("license") = "Dual BSD" "/GPL";\n').license == "Dual BSD/GPL"
    assert read('#define NAME "MIT"\nchar _license[] SEC("license") = NAME;\n').license == "MIT"
    assert read("char _license[] SEC(\"license\") = {'G', 'P', 'L', 0};\n").license is None
    assert read('const char x[] = "GPL";\n').license is None


def test_a_license_in_a_header_that_names_no_kfunc() -> None:
    header = '#ifndef NAME\n#define NAME "GPL"\n#endif\nchar _license[] SEC("license") = NAME;\n'
    assert unit('#define NAME "MIT"\n#include "common.h"\n', (), {"common.h": header}).license == "MIT"


def test_a_callback_knows_to_whom_it_is_passed() -> None:
    u = read(
        "static int cb(void *map, int *key, void *value)\n{\n\treturn 0;\n}\n"
        "extern int bpf_wq_set_callback(struct bpf_wq *wq, int (cb)(void *, int *, void *), unsigned int f) __ksym;\n"
        'SEC("tc")\nint p(void *ctx)\n{\n\tcb(0, 0, 0);\n\tint (*f)(void *, int *, void *) = cb;\n'
        "\treturn bpf_wq_set_callback(((struct bpf_wq *)ctx), (cb), f(1, 2, 3));\n}\n"
    )
    mentions = [(m.function, m.is_call, m.callee, m.argument) for m in u.functions["cb"].mentions]
    assert mentions == [("p", True, "", -1), ("p", False, "", -1), ("p", False, "bpf_wq_set_callback", 1)]


def test_struct_ops_maps_say_which_member_a_function_is() -> None:
    u = read(
        "#include <bpf/bpf_tracing.h>\n"
        'SEC("struct_ops")\nint BPF_PROG(a, int x)\n{\n\treturn 0;\n}\n'
        'SEC("struct_ops.s")\nint b(void *ctx)\n{\n\treturn 0;\n}\n'
        '#define OPS(name, ...) SEC(".struct_ops.link") struct sched_ext_ops name = { __VA_ARGS__ }\n'
        'OPS(one, .enqueue = (void *)a, .timeout_ms = 5000U, .name = "x", .init = (void *)b);\n'
        'SEC("?.struct_ops")\nstruct tcp_congestion_ops two = {\n\t.init = (void (*)(struct sock *))b,\n};\n'
    )
    assert u.functions["a"].members == (("sched_ext_ops", "enqueue"),)
    assert u.functions["b"].members == (("sched_ext_ops", "init"), ("tcp_congestion_ops", "init"))
