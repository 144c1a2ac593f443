"""Findings in the Reviewdog Diagnostic Format (``rdjson``), with fixes as suggestions."""

from __future__ import annotations

import json
from typing import Any

from kfunc_lsp.report.item import Place
from kfunc_lsp.report.model import TOOL, Report, sentences
from kfunc_lsp.rules.model import Severity

_SEVERITIES = {Severity.ERROR: "ERROR", Severity.WARNING: "WARNING", Severity.HINT: "INFO"}


def write(report: Report) -> str:
    """The JSON document. Only fixes within the finding's file are suggested."""
    diagnostics: list[dict[str, Any]] = []
    for item in report.items:
        diagnostic: dict[str, Any] = {
            "message": "\n".join([item.message, *sentences(item)]),
            "location": {"path": item.place.shown_path, "range": _range(item.place)},
            "severity": _SEVERITIES[item.severity],
            "code": {"value": item.rule},
        }
        if item.fix and all(change.place.path == item.place.path for change in item.fix.changes):
            diagnostic["suggestions"] = [{"range": _range(c.place), "text": c.text} for c in item.fix.changes]
        diagnostics.append(diagnostic)
    document = {"source": {"name": TOOL}, "diagnostics": diagnostics}
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _range(place: Place) -> dict[str, Any]:
    """The format counts columns in bytes."""
    return {
        "start": {"line": place.line, "column": place.byte_column},
        "end": {"line": place.end_line, "column": place.end_byte_column},
    }
