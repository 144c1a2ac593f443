"""Findings as a Code Quality report, which GitLab shows in merge requests."""

from __future__ import annotations

import json

from kfunc_lsp.report.fingerprint import fingerprints
from kfunc_lsp.report.model import Report, sentences
from kfunc_lsp.rules.model import Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.HINT: "info"}


def write(report: Report) -> str:
    """A JSON array with an object a finding."""
    rows = [
        {
            "description": item.message,
            "check_name": item.rule,
            "fingerprint": name,
            "severity": _SEVERITIES[item.severity],
            "location": {
                "path": item.place.shown_path,
                "positions": {
                    "begin": {"line": item.place.line, "column": item.place.column},
                    "end": {"line": item.place.end_line, "column": item.place.end_column},
                },
            },
            "content": {"body": "\n\n".join(sentences(item))},
        }
        for item, name in zip(report.items, fingerprints(report.items), strict=True)
    ]
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"
