"""The matrix as text for people."""

from __future__ import annotations

from kfunc_lsp.report.table.model import Cell, Matrix, Status
from kfunc_lsp.report.text import Style

_COLOURS = {Status.OK: "32", Status.WARNS: "33", Status.FAILS: "31;1"}


def write(matrix: Matrix, style: Style | None = None) -> str:
    """A table: programs, kernels, where each loads; then why, for each program that does not load everywhere."""
    style = style or Style(coloured=False)
    head = ["", *(kernel.name for kernel in matrix.kernels), "loads on"]
    rows = [[row.program, *(cell.status.value for cell in row.cells), row.loads] for row in matrix.rows]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(head, widths, strict=True)).rstrip()]
    for row, texts in zip(matrix.rows, rows, strict=True):
        codes = ["", *(_COLOURS[cell.status] for cell in row.cells), ""]
        padded = [text.ljust(width) for text, width in zip(texts, widths, strict=True)]
        parts = [style.paint(text, code) if code else text for text, code in zip(padded, codes, strict=True)]
        lines.append("  ".join(parts).rstrip())
    reasons = [(row.program, reason) for row in matrix.rows if (reason := _reason(row.cells))]
    if reasons:
        lines.append("")
        lines += [f"{program}: {reason}" for program, reason in reasons]
    return "\n".join(lines) + "\n"


def _reason(cells: tuple[Cell, ...]) -> str:
    """The worst finding of the newest kernel that has one."""
    for cell in reversed(cells):
        if cell.items:
            item = cell.items[0]
            return f"{item.message} ({item.rule}, {item.place.shown_path}:{item.place.line})"
    return ""
