"""The text report, pinned to the letter: what people read in a terminal and in CI."""

from __future__ import annotations

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.report.item import item_of
from kfunc_lsp.report.text import Style, write_item
from tests.programs import unit

PROGRAM = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
\t\t\t\t    struct bpf_prog_aux *aux) __ksym;
SEC("tc")
int p(struct bpf_wq *wq, void *f)
{
\treturn /* é𝄞 字 */ bpf_wq_set_callback_impl(wq, (void *)f, 0, NULL);
}
"""

EXPECTED = """\
error[unflagged-impl-called]: `bpf_wq_set_callback_impl` cannot be called on 7.0, 7.3
 --> /p/main.bpf.c:8:20
  |
8 |     return /* é𝄞 字 */ bpf_wq_set_callback_impl(wq, (void *)f, 0, NULL);
  |                        ^^^^^^^^^^^^^^^^^^^^^^^^                   ---- supplied by the verifier
  |
  = it exists in BTF only and may not be called; nor does the declaration fit: parameter 4, behind the pointer: \
`void`, the kernel has `struct bpf_prog_aux`
  = libbpf will say (7.0, 7.3):
       extern (func ksym) 'bpf_wq_set_callback_impl': func_proto [..] incompatible with vmlinux [..]
  = 6.18: fine (a kfunc of its own there)
  = declared here: /p/main.bpf.c:3:12
  = call: int bpf_wq_set_callback(struct bpf_wq *wq, int (*callback_fn)(void *, int *, void *), unsigned int flags);
  = fix (safe): call `bpf_wq_set_callback` where the kernel has it, else `bpf_wq_set_callback_impl`
  = more: kfunc-lsp explain unflagged-impl-called
"""


def test_a_finding_as_people_read_it() -> None:
    kernels = [resolve(name) for name in ("6.18", "7.0", "7.3")]
    program = PROGRAM.replace("struct bpf_prog_aux *aux", "void *aux__prog")
    (finding,) = check(unit(program, known_names(kernels)), kernels)
    assert write_item(item_of(finding), Style(coloured=False)) == EXPECTED


def test_sentences_fit_a_terminal_and_what_is_quoted_stays_whole() -> None:
    kernels = [resolve("7.3")]
    (finding,) = check(
        unit(PROGRAM.replace("struct bpf_prog_aux *aux", "void *aux__prog"), known_names(kernels)), kernels
    )
    item = item_of(finding)
    lines = write_item(item, Style(coloured=False, columns=60)).splitlines()
    quoted = "       " + item.predictions[0].message
    assert [line for line in lines if len(line) > 60 and "bpf_wq_set_callback_impl(wq" not in line] == [
        next(line for line in lines if "----" in line),
        quoted,
    ]
    whole = write_item(item, Style(coloured=False))
    assert "".join("".join(lines).split()) == "".join(whole.split())


def test_colours_change_nothing_but_colours() -> None:
    import re

    kernels = [resolve("7.3")]
    (finding,) = check(unit(PROGRAM, known_names(kernels)), kernels)
    coloured = write_item(item_of(finding), Style(coloured=True))
    assert "\x1b[31;1merror" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == write_item(item_of(finding), Style(coloured=False))
