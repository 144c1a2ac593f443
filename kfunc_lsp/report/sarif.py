"""Findings as SARIF 2.1.0 (OASIS), for code scanning services and viewers; fixes are included."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from kfunc_lsp import rules
from kfunc_lsp.report.fingerprint import fingerprints
from kfunc_lsp.report.item import Item, Mark, Place, Repair, shown_path
from kfunc_lsp.report.model import TOOL, Report, sentences
from kfunc_lsp.rules.model import Severity

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.HINT: "note"}
_FINGERPRINT = f"{TOOL}/v1"
_ROOT = "ROOT"


def write(report: Report) -> str:
    """The SARIF log: one run with all rules that there are."""
    names = [rule.name for rule in rules.ALL]
    named = zip(report.items, fingerprints(report.items), strict=True)
    run = {
        "tool": {"driver": {"name": TOOL, "version": report.version, "rules": _rules()}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"uri": Path.cwd().as_uri().rstrip("/") + "/"}},
        "invocations": [
            {
                "executionSuccessful": not report.errors,
                "toolExecutionNotifications": [
                    *({"level": "error", "message": {"text": text}} for text in report.errors),
                    *({"level": "note", "message": {"text": text}} for text in report.notes),
                ],
            }
        ],
        "properties": {"kernels": [kernel.title for kernel in report.kernels]},
        "results": [_result(item, fingerprint, names) for item, fingerprint in named],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False) + "\n"


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "id": rule.name,
            "shortDescription": {"text": rule.summary},
            "help": {"text": rule.page.strip(), "markdown": rule.page.strip()},
        }
        for rule in rules.ALL
    ]


def _result(item: Item, fingerprint: str, names: Sequence[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": item.rule,
        "ruleIndex": names.index(item.rule) if item.rule in names else -1,
        "level": _LEVELS[item.severity],
        "message": {"text": "\n".join([item.message, *sentences(item)])},
        "locations": [{"physicalLocation": _location(item.marks[0])}],
        "partialFingerprints": {_FINGERPRINT: fingerprint},
        "properties": {"kernels": list(item.kernels), "subject": item.subject},
    }
    others = [mark for mark in (*item.marks[1:], *item.related) if mark.text]
    if others:
        result["relatedLocations"] = [
            {"physicalLocation": _location(mark), "message": {"text": mark.text}} for mark in others
        ]
    if item.fix:
        result["fixes"] = [_fix(item.fix)]
    return result


def _artifact(path: str) -> dict[str, Any]:
    shown = shown_path(path)
    if os.path.isabs(shown):
        return {"uri": Path(shown).as_uri()}
    return {"uri": quote(shown), "uriBaseId": _ROOT}


def _location(mark: Mark) -> dict[str, Any]:
    region = {**_region(mark.place), "snippet": {"text": mark.source}}
    return {"artifactLocation": _artifact(mark.place.path), "region": region}


def _region(place: Place) -> dict[str, Any]:
    return {
        "startLine": place.line,
        "startColumn": place.column,
        "endLine": place.end_line,
        "endColumn": place.end_column,
    }


def _fix(fix: Repair) -> dict[str, Any]:
    by_path: dict[str, list[dict[str, Any]]] = {}
    for change in fix.changes:
        replacement = {"deletedRegion": _region(change.place), "insertedContent": {"text": change.text}}
        by_path.setdefault(change.place.path, []).append(replacement)
    caution = f" (not to be applied unseen: {fix.caution})" if fix.caution else ""
    return {
        "description": {"text": fix.title + caution},
        "artifactChanges": [
            {"artifactLocation": _artifact(path), "replacements": replacements}
            for path, replacements in by_path.items()
        ],
    }
