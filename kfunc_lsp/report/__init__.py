"""Reports: one writer a format, each a function from a ``Report`` to text, imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kfunc_lsp.report.model import Report

FORMATS: Mapping[str, str] = {
    "text": "for people",
    "json": "one document (docs/output.md)",
    "jsonl": "a line a finding (docs/output.md)",
    "sarif": "SARIF 2.1.0, for code scanning",
    "github": "annotations of a GitHub workflow",
    "gitlab": "GitLab Code Quality",
    "junit": "JUnit XML",
    "rdjson": "Reviewdog",
    "checkstyle": "Checkstyle XML",
}
"""Each format, and what it is for."""


def writer(name: str) -> Callable[[Report], str]:
    """The writer of format ``name``, one of ``FORMATS``."""
    write: Callable[[Report], str] = import_module(f"kfunc_lsp.report.{name}").write
    return write
