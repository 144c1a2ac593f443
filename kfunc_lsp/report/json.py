"""Findings as one JSON document; ``docs/output.md`` says what is in it."""

from __future__ import annotations

import json
from typing import Any

from kfunc_lsp.report.fingerprint import fingerprints
from kfunc_lsp.report.item import Item, Mark, Place, Repair
from kfunc_lsp.report.model import TOOL, Report

VERSION = 1
"""Of the form: a number more where something is removed or means something else; additions change nothing."""


def write(report: Report) -> str:
    """The document, indented, ending in a newline."""
    document = {
        "version": VERSION,
        **summary(report),
        "findings": [finding(item, name) for item, name in zip(report.items, fingerprints(report.items), strict=True)],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def summary(report: Report) -> dict[str, Any]:
    """All but the findings."""
    return {
        "tool": {"name": TOOL, "version": report.version},
        "kernels": [{"name": kernel.name, "title": kernel.title} for kernel in report.kernels],
        "programs": list(report.programs),
        "counts": {severity.word: number for severity, number in report.tally},
        "known": report.known,
        "notes": list(report.notes),
        "errors": list(report.errors),
    }


def finding(item: Item, fingerprint: str) -> dict[str, Any]:
    """One finding."""
    return {
        "rule": item.rule,
        "severity": item.severity.word,
        "message": item.message,
        "subject": item.subject,
        "kernels": list(item.kernels),
        **_mark(item.marks[0]),
        "marks": [_mark(mark) for mark in item.marks[1:]],
        "why": item.why,
        "predictions": [
            {"speaker": p.speaker, "stage": p.stage.word, "message": p.message, "kernels": list(p.kernels)}
            for p in item.predictions
        ],
        "sources": [{"source": source, "kernels": list(kernels)} for source, kernels in item.sources],
        "elsewhere": [{"comment": comment, "kernels": list(kernels)} for comment, kernels in item.elsewhere],
        "related": [_mark(mark) for mark in item.related],
        "advice": item.advice,
        "fix": _fix(item.fix) if item.fix else None,
        "fingerprint": fingerprint,
    }


def _place(place: Place) -> dict[str, Any]:
    return {
        "path": place.shown_path,
        "line": place.line,
        "column": place.column,
        "end_line": place.end_line,
        "end_column": place.end_column,
        "start": place.start,
        "end": place.end,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {"place": _place(mark.place), "source": mark.source, "text": mark.text}


def _fix(fix: Repair) -> dict[str, Any]:
    return {
        "title": fix.title,
        "safe": not fix.caution,
        "caution": fix.caution,
        "changes": [{"place": _place(c.place), "old": c.old, "text": c.text} for c in fix.changes],
    }
