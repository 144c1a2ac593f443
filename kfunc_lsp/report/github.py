"""Findings as workflow commands, which GitHub shows beside the lines of a change."""

from __future__ import annotations

from kfunc_lsp.report.item import Item
from kfunc_lsp.report.model import Report, sentences
from kfunc_lsp.rules.model import Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "notice"}


def write(report: Report) -> str:
    """One command a finding."""
    return "".join(_command(item) + "\n" for item in report.items)


def _command(item: Item) -> str:
    place = item.place
    properties = {
        "file": place.shown_path,
        "line": place.line,
        "col": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
        "title": item.rule,
    }
    named = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[item.severity]} {named}::{_data(chr(10).join([item.message, *sentences(item)]))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
