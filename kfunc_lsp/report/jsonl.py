"""Findings as JSON, one a line, and a last line that sums up; ``docs/output.md`` says what is in it."""

from __future__ import annotations

import json

from kfunc_lsp.report.fingerprint import fingerprints
from kfunc_lsp.report.json import VERSION, finding, summary
from kfunc_lsp.report.model import Report


def write(report: Report) -> str:
    """The lines: objects whose ``type`` is ``finding``, then one whose ``type`` is ``summary``."""
    named = zip(report.items, fingerprints(report.items), strict=True)
    rows = [{"type": "finding", "version": VERSION, **finding(item, name)} for item, name in named]
    rows.append({"type": "summary", "version": VERSION, **summary(report)})
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
