"""Fixes that must not be made, or not by themselves: what is not understood is left to a person."""

from __future__ import annotations

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.model import Finding
from tests.programs import applied, unit

HEAD = '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nchar LICENSE[] SEC("license") = "GPL";\n'
PROTOTYPE = "(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags, struct bpf_prog_aux *aux)"
IMPL = f"extern int bpf_wq_set_callback_impl{PROTOTYPE} __ksym;\n"
AUX = f"extern int bpf_wq_set_callback{PROTOTYPE} __ksym;\n"


def found(text: str, headers: dict[str, str] | None = None) -> list[Finding]:
    kernels = [resolve("7.3")]
    return check(unit(HEAD + text, known_names(kernels), headers), kernels)


def program(body: str) -> str:
    return f'SEC("tc") int p(struct bpf_wq *w, void *f)\n{{\n\t{body}\n\treturn 0;\n}}\n'


@pytest.mark.parametrize(
    "text",
    [
        AUX + "#define REST 0, NULL\n" + program("bpf_wq_set_callback(w, 0, REST);"),
        AUX + program("bpf_wq_set_callback(w, 0, 0 // flags\n, NULL);"),
        AUX + program("bpf_wq_set_callback(w, 0, 0 /* flags */, NULL);"),
        "#define PARAMS struct bpf_wq *wq, void *cb, unsigned int flags, struct bpf_prog_aux *aux\n"
        "extern int bpf_wq_set_callback(PARAMS) __ksym;\n" + program("bpf_wq_set_callback(w, 0, 0, NULL);"),
        AUX + program(f"int (*q){PROTOTYPE} = bpf_wq_set_callback; bpf_wq_set_callback(w, 0, 0, NULL);"),
        AUX.replace(" __ksym;", " __ksym, bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;")
        + program("bpf_wq_set_callback(w, 0, 0, NULL);"),
        IMPL + program("int bpf_wq_set_callback = 0; bpf_wq_set_callback_impl(w, 0, bpf_wq_set_callback, NULL);"),
        IMPL + "#define bpf_wq_set_callback(a, b, c) bpf_wq_set_callback_impl(a, b, c, NULL)\n"
        + program("bpf_wq_set_callback(w, 0, 0);"),
        IMPL + "#define set(w) bpf_wq_set_callback_impl(w, 0, 0, NULL)\n" + program("set(w);"),
        IMPL + program(f"int (*q){PROTOTYPE} = bpf_wq_set_callback_impl; bpf_wq_set_callback_impl(w, 0, 0, NULL);"),
    ],
)  # fmt: skip
def test_no_fix_where_something_is_not_understood(text: str) -> None:
    findings = found(text)
    assert findings
    assert [f.fix for f in findings if f.fix] == []


def test_no_fix_where_the_declaration_is_in_a_header() -> None:
    (finding,) = found('#include "mine.h"\n' + program("bpf_wq_set_callback_impl(w, 0, 0, NULL);"), {"mine.h": IMPL})
    assert finding.fix is None


@pytest.mark.parametrize(
    ("text", "caution"),
    [
        (AUX + program("bpf_wq_set_callback(w, 0, 0, make());"), "does something"),
        (
            AUX.replace("__ksym", "__weak __ksym")
            + "static bool has(void) { return bpf_ksym_exists(bpf_wq_set_callback); }\n"
            + program("if (has()) bpf_wq_set_callback(w, 0, 0, NULL);"),
            "dead now",
        ),
        (
            AUX.replace("bpf_wq_set_callback", "bpf_wq_set_callback_impl").replace("void *)", "struct bpf_wq *)")
            + "static int cb(void *map, int *key, struct bpf_wq *value) { return 0; }\n"
            + program("bpf_wq_set_callback_impl(w, cb, 0, NULL);"),
            "may have to change too",
        ),
        ('#include "gone.h"\n' + AUX + program("bpf_wq_set_callback(w, 0, 0, NULL);"), "not found"),
    ],
)
def test_fixes_that_a_person_has_to_look_at(text: str, caution: str) -> None:
    (finding,) = found(text)
    assert finding.fix is not None
    assert not finding.fix.is_safe
    assert caution in finding.fix.caution


def test_a_fix_keeps_carriage_returns_and_a_byte_order_mark() -> None:
    text = ("\ufeff" + HEAD + IMPL + program("bpf_wq_set_callback_impl(w, f, 0, NULL);")).replace("\n", "\r\n")
    kernels = [resolve("7.3")]
    (finding,) = check(unit(text, known_names(kernels)), kernels)
    assert finding.fix is not None
    assert finding.fix.is_safe
    fixed = applied(finding.span.file.text, [finding.fix]).encode("latin-1").decode()
    assert fixed.startswith("\ufeff#include")
    assert "\tbpf_wq_set_callback(w, f, 0);\r\n" in fixed
    assert not check(unit(fixed, known_names(kernels)), kernels)


def test_two_thousand_calls_take_no_longer_than_they_are_many() -> None:
    assert len(found(IMPL + program("bpf_wq_set_callback_impl(w, 0, 0, NULL);" * 2000))) == 2000


def test_a_kernel_whose_kfunc_has_no_such_argument_at_all_has_the_same_one() -> None:
    kernels = [resolve("6.18"), resolve("7.3")]
    text = HEAD + "extern s32 scx_bpf_dsq_nr_queued(u64 dsq_id, const struct bpf_prog_aux *aux) __ksym;\n"
    text += 'SEC("syscall") int p(void *ctx)\n{\n\treturn scx_bpf_dsq_nr_queued(1, 0);\n}\n'
    findings = [
        f for f in check(unit(text, known_names(kernels)), kernels) if f.rule.name == "implicit-argument-passed"
    ]
    assert [f.fix and f.fix.is_safe for f in findings] == [True]
