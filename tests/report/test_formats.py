"""Every format, pinned by a snapshot, and read back by what reads it: JSON and XML parsers, the SARIF schema.

``KFUNC_LSP_SNAPSHOTS=write`` writes the snapshots anew.
"""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest

from kfunc_lsp import rules
from kfunc_lsp.check import check, known_names
from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.report import FORMATS, writer
from kfunc_lsp.report.fingerprint import fingerprints
from kfunc_lsp.report.item import item_of
from kfunc_lsp.report.model import KernelName, Report
from kfunc_lsp.rules.model import Severity
from tests.programs import unit
from tests.report.test_text import PROGRAM

HERE = Path(__file__).parent
SAFE = """#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags,
\t\t\t       struct bpf_prog_aux *aux) __ksym;
SEC("tc")
int p(struct bpf_wq *wq, void *f)
{
\treturn bpf_wq_set_callback(wq, /* é */ (void *)f, 0, NULL);
}
"""


@pytest.fixture(scope="module")
def report() -> Report:
    kernels = [resolve(name) for name in ("6.18", "7.3")]
    known = known_names(kernels)
    programs = {"/p/main.bpf.c": PROGRAM, '/p/folder of, 100%: <odd> & "names".bpf.c': SAFE}
    found = [f for path, text in programs.items() for f in check(unit(text, known, path=path), kernels[1:])]
    items = [item_of(finding) for finding in found]
    items.append(replace(items[0], severity=Severity.HINT, message="a hint \x1b with a control character", fix=None))
    return Report(
        items=items,
        programs=[*programs, "/p/fine.bpf.c"],
        kernels=[KernelName("7.3", "7.3 (bundled 7.3.4+deb13)")],
        kernels_chosen=True,
        notes=["/p/main.bpf.c: not found: x.h; types from there are unknown"],
        errors=["/p/gone.bpf.c: no such file or directory"],
        known=2,
        milliseconds=12.3,
        version="0.0.0",
    )


def test_the_formats_that_there_are() -> None:
    assert sorted(FORMATS) == sorted(path.stem for path in (HERE / "snapshots").iterdir())


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_as_it_was(name: str, report: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = writer(name)(report)
    if name == "sarif":
        text = without_rules(text)
    path = HERE / "snapshots" / f"{name}.txt"
    if os.environ.get("KFUNC_LSP_SNAPSHOTS") == "write":
        path.write_text(text)
    assert text == path.read_text()


def without_rules(text: str) -> str:
    """A SARIF log without what is not the findings': the rules, which have tests of their own, and where it is run."""
    document = json.loads(text)
    run = document["runs"][0]
    run["tool"]["driver"]["rules"] = []
    run["originalUriBaseIds"] = {}
    for result in run["results"]:
        result["ruleIndex"] = 0
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def test_sarif_is_valid_by_the_official_schema(report: Report) -> None:
    schema = json.loads(lzma.decompress((HERE / "sarif-2.1.0-rtm.5.json.xz").read_bytes()))
    document = json.loads(writer("sarif")(report))
    jsonschema.Draft7Validator(schema).validate(document)
    jsonschema.Draft7Validator(schema).validate(json.loads(writer("sarif")(replace(report, items=[]))))
    run = document["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [rule.name for rule in rules.ALL]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]


def test_sarif_paths_are_relative_to_the_current_folder(
    report: Report, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    kernels = [resolve("7.3")]
    text = unit(SAFE, known_names(kernels), path=str(tmp_path / "a b#.bpf.c"))
    run = json.loads(writer("sarif")(replace(report, items=[item_of(check(text, kernels)[0])])))["runs"][0]
    location = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert location == {"uri": "a%20b%23.bpf.c", "uriBaseId": "ROOT"}
    assert run["originalUriBaseIds"] == {"ROOT": {"uri": f"{tmp_path.as_uri()}/"}}


def test_a_fix_in_json_can_be_applied(report: Report) -> None:
    document: dict[str, Any] = json.loads(writer("json")(report))
    fix = document["findings"][1]["fix"]
    assert fix["safe"]
    data = SAFE.encode()
    for change in sorted(fix["changes"], key=lambda change: -change["place"]["start"]):
        start, end = change["place"]["start"], change["place"]["end"]
        assert data[start:end].decode() == change["old"]
        data = data[:start] + change["text"].encode() + data[end:]
    assert b"bpf_wq_set_callback(wq, /* \xc3\xa9 */ (void *)f, 0);" in data


def test_json_lines_are_the_findings_and_a_summary(report: Report) -> None:
    rows = [json.loads(line) for line in writer("jsonl")(report).splitlines()]
    assert [row["type"] for row in rows] == ["finding"] * len(report.items) + ["summary"]
    document = json.loads(writer("json")(report))
    for row, finding in zip(rows, document["findings"], strict=False):
        assert {**finding, "type": "finding", "version": 1} == row


def test_xml_is_well_formed_and_says_everything(report: Report) -> None:
    suite = ElementTree.fromstring(writer("junit")(report))
    assert [len(case) for case in suite.iter("testcase")] == [1, 1, 0, 1]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "2", "1")
    checkstyle = ElementTree.fromstring(writer("checkstyle")(report))
    assert [len(file) for file in checkstyle.iter("file")] == [2, 1]
    messages = [error.get("message", "") for error in checkstyle.iter("error")]
    first, second, third = (item.message.replace("\x1b", "\N{REPLACEMENT CHARACTER}") for item in report.items)
    assert [message.split(". ")[0] for message in messages] == [first, third, second]


def test_github_commands_are_one_line_each(report: Report) -> None:
    lines = writer("github")(report).splitlines()
    assert len(lines) == len(report.items)
    assert 'file=/p/folder of%2C 100%25%3A <odd> & "names".bpf.c,line=' in lines[1]
    assert lines[0].startswith("::error ")
    assert lines[2].startswith("::notice ")


def test_byte_columns_for_who_counts_bytes(report: Report) -> None:
    start = json.loads(writer("rdjson")(report))["diagnostics"][0]["location"]["range"]["start"]
    place = report.items[0].place
    assert start["column"] == len(report.items[0].marks[0].source[: place.column - 1].encode()) + 1 > place.column


def test_fingerprints_stay_when_lines_move(report: Report) -> None:
    before = fingerprints(report.items)
    assert len(set(before)) == len(before)
    kernels = [resolve("7.3")]
    moved = unit("\n\n" + SAFE.replace("return", "  return"), known_names(kernels), path=report.items[1].place.path)
    after = fingerprints([item_of(finding) for finding in check(moved, kernels)])
    assert after == [before[1]]
