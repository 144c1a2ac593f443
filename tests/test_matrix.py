"""Programs by kernels: where each loads, in words and in every format."""

from __future__ import annotations

import csv
import io
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.report.item import item_of
from kfunc_lsp.report.model import KernelName, Outcome
from kfunc_lsp.report.table import FORMATS, writer
from kfunc_lsp.report.table.model import Matrix, loads, matrix
from tests.programs import unit

SNAPSHOTS = Path(__file__).parent / "report" / "tables"
OLD = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
                                    void *aux__prog) __ksym{weak};
SEC("tc") int p(struct bpf_wq *wq, void *call) {{ {guard}bpf_wq_set_callback_impl(wq, call, 0, NULL); return 0; }}
"""
PROGRAMS = {
    "/p/fails.bpf.c": OLD.format(weak="", guard=""),
    "/p/warns <b>.bpf.c": OLD.format(weak=" __weak", guard="if (bpf_ksym_exists(bpf_wq_set_callback_impl)) "),
    "/p/a|b.bpf.c": "int x;\n",
}


@pytest.fixture(scope="module")
def table() -> Matrix:
    kernels = [resolve(name) for name in ("7.3", "6.18", "6.12")]
    known = known_names(kernels)
    outcomes = []
    for path, text in PROGRAMS.items():
        found = check(unit(text, known, path=path), kernels)
        outcomes.append(Outcome(path, path, tuple(map(item_of, found))))
    outcomes.append(Outcome("/p/gone", error="/p/gone: no such file"))
    return matrix(outcomes, [KernelName(kernel.name, f"{kernel.name} (bundled)") for kernel in kernels])


def test_kernels_stand_in_order_and_errors_apart(table: Matrix) -> None:
    assert [kernel.name for kernel in table.kernels] == ["6.12", "6.18", "7.3"]
    assert table.errors == ("/p/gone: no such file",)
    assert [[cell.status.value for cell in row.cells] for row in table.rows] == [
        ["ok", "ok", "fails"],
        ["ok", "ok", "warns"],
        ["ok", "ok", "ok"],
    ]


@pytest.mark.parametrize(
    ("fine", "words"),
    [
        ("11111", "all"),
        ("00000", "none"),
        ("00111", "6.18+"),
        ("01101", "6.16+, except 7.0"),
        ("11000", "up to 6.16"),
        ("01100", "only 6.16, 6.18"),
        ("10001", "only 6.12, 7.3"),
        ("00001", "7.3+"),
    ],
)
def test_where_a_program_loads_in_words(fine: str, words: str) -> None:
    assert loads(["6.12", "6.16", "6.18", "7.0", "7.3"], [sign == "1" for sign in fine]) == words


def test_every_kernel_that_refuses_is_explained_once() -> None:
    program = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, u32 len__sz, void *aux) __ksym;
SEC("tc") int p(void *ctx) { return bpf_stream_vprintk(1, "", ctx, 0, NULL); }
"""
    kernels = [resolve(name) for name in ("6.12", "6.18", "7.0", "7.3")]
    found = check(unit(program, known_names(kernels), path="/p/a.bpf.c"), kernels)
    outcome = Outcome("/p/a.bpf.c", "/p/a.bpf.c", tuple(map(item_of, found)))
    written = writer("text")(matrix([outcome], [KernelName(kernel.name, kernel.name) for kernel in kernels]))
    newer, older = written.split("\n\n")[1].splitlines()
    assert "on 7.0, 7.3 (implicit-argument-passed, /p/a.bpf.c:3)" in newer
    assert "is missing on 6.12, 6.18 (missing-kfunc, /p/a.bpf.c:3)" in older


@pytest.mark.parametrize("name", FORMATS)
def test_a_table_is_as_it_was(name: str, table: Matrix) -> None:
    text = writer(name)(table)
    path = SNAPSHOTS / f"{name}.txt"
    if os.environ.get("KFUNC_LSP_SNAPSHOTS") == "write":
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


class Links(HTMLParser):
    """The ids of a page, what its links lead to, what it loads, and whether its elements are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids += [values["id"]] if "id" in values else []
        self.links += [values["href"]] if tag == "a" else []
        self.loaded += [value for name, value in values.items() if name == "src" or (name == "href" and tag != "a")]
        if tag not in ("meta", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_each_cell_of_the_page_leads_to_its_findings_and_the_page_needs_nothing_else(table: Matrix) -> None:
    page = Links()
    page.feed(writer("html")(table))
    assert page.open == []
    assert page.loaded == []
    assert len(page.ids) == len(set(page.ids))
    assert {link.removeprefix("#") for link in page.links} <= set(page.ids)
    findings = [name for name in page.ids if name.startswith("f")]
    assert sorted(link for link in page.links if link.startswith("#f")) == sorted(f"#{name}" for name in findings)
    assert len(findings) == 2


def test_json_and_csv_say_the_same(table: Matrix) -> None:
    document = json.loads(writer("json")(table))
    rows = list(csv.reader(io.StringIO(writer("csv")(table))))
    assert rows[0] == ["program", "6.12", "6.18", "7.3", "loads on"]
    for row, program in zip(rows[1:], document["programs"], strict=True):
        statuses = [cell["status"] for cell in program["kernels"].values()]
        assert row == [program["program"], *statuses, program["loads"]]


def test_what_a_kernel_may_refuse_is_not_said_to_load() -> None:
    kernels = [resolve(name) for name in ("7.0", "7.3")]
    leak = (Path(__file__).parent / "cli" / "data" / "leak.bpf.c").read_text()
    found = tuple(map(item_of, check(unit(leak, known_names(kernels)), kernels)))
    names = [KernelName(kernel.name, kernel.name) for kernel in kernels]
    assert [row.loads for row in matrix([Outcome("p", "p", found)], names).rows] == ["perhaps all"]
