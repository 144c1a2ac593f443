"""Findings as a Checkstyle report, which many build servers show."""

from __future__ import annotations

from kfunc_lsp.report.item import Item
from kfunc_lsp.report.markup import attribute
from kfunc_lsp.report.model import TOOL, Report, sentences
from kfunc_lsp.rules.model import Severity

_SEVERITIES = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "info"}


def write(report: Report) -> str:
    """The XML document, findings by file."""
    by_path: dict[str, list[Item]] = {}
    for item in report.items:
        by_path.setdefault(item.place.shown_path, []).append(item)
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<checkstyle version="4.3">']
    for path, items in by_path.items():
        lines.append(f"  <file name={attribute(path)}>")
        for item in items:
            place = f'line="{item.place.line}" column="{item.place.column}" severity="{_SEVERITIES[item.severity]}"'
            message = attribute(". ".join([item.message, *sentences(item)]))
            lines.append(f'    <error {place} message={message} source="{TOOL}.{item.rule}"/>')
        lines.append("  </file>")
    return "\n".join([*lines, "</checkstyle>"]) + "\n"
