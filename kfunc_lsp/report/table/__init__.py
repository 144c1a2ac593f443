"""The matrix of programs by kernels: one writer a format, each a function from a ``Matrix`` to text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kfunc_lsp.report.table.model import Matrix

FORMATS: Mapping[str, str] = {
    "text": "for people",
    "html": "one page, to look at and to pass on",
    "json": "one document (docs/output.md)",
    "csv": "spreadsheets",
    "md": "a Markdown table",
}
"""Each format, and what it is for."""


def writer(name: str) -> Callable[[Matrix], str]:
    """The writer of format ``name``, one of ``FORMATS``."""
    write: Callable[[Matrix], str] = import_module(f"kfunc_lsp.report.table.{name}").write
    return write
