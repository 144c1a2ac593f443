"""Findings as a JUnit report: a test case a program, with a failure a finding."""

from __future__ import annotations

from collections.abc import Sequence

from kfunc_lsp.report.item import Item
from kfunc_lsp.report.markup import attribute, escaped
from kfunc_lsp.report.model import TOOL, Report, sentences
from kfunc_lsp.rules.model import Severity


def write(report: Report) -> str:
    """The XML document. Hints are no failures; a file that could not be read is an error."""
    by_path: dict[str, list[Item]] = {path: [] for path in report.programs}
    for item in report.items:
        if item.severity > Severity.HINT:
            by_path.setdefault(item.place.shown_path, []).append(item)
    failed = sum(map(bool, by_path.values()))
    tests = len(by_path) + len(report.errors)
    counts = (
        f'tests="{tests}" failures="{failed}" errors="{len(report.errors)}" time="{report.milliseconds / 1000:.3f}"'
    )
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f'<testsuites name="{TOOL}" {counts}>']
    lines.append(f'  <testsuite name="{TOOL}" {counts}>')
    for path, items in by_path.items():
        lines += _case(path, items)
    for error in report.errors:
        head = f'    <testcase classname="{TOOL}" name={attribute(error)}>'
        lines.append(f"{head}<error message={attribute(error)}/></testcase>")
    return "\n".join([*lines, "  </testsuite>", "</testsuites>"]) + "\n"


def _case(path: str, items: Sequence[Item]) -> list[str]:
    head = f'    <testcase classname="{TOOL}" name={attribute(path)} file={attribute(path)}'
    if not items:
        return [f"{head}/>"]
    lines = [f"{head}>"]
    for item in items:
        where = f"{item.place.line}:{item.place.column}"
        body = "\n".join([f"{path}:{where}: {item.message}", *sentences(item)])
        kind = f"type={attribute(item.rule)} message={attribute(item.message)}"
        lines.append(f"      <failure {kind}>{escaped(body)}</failure>")
    return [*lines, "    </testcase>"]
