"""The matrix as text for people."""

from __future__ import annotations

from collections.abc import Iterator

from kfunc_lsp.report.folding import folded
from kfunc_lsp.report.table.model import Matrix, Row, Status
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
    reasons = [f"{row.program}: {reason}" for row in matrix.rows for reason in _reasons(matrix, row)]
    lines += [""] if reasons else []
    lines += [line for reason in reasons for line in folded(reason, style.columns)]
    return "\n".join(lines) + "\n"


def _reasons(matrix: Matrix, row: Row) -> Iterator[str]:
    """The worst finding of the newest kernel that has one; then of those where it is not, or is not as bad."""
    worst = Status.FAILS if any(cell.status is Status.FAILS for cell in row.cells) else Status.WARNS
    left = {kernel.name: cell for kernel, cell in zip(matrix.kernels, row.cells, strict=True) if cell.status is worst}
    while left:
        name, cell = list(left.items())[-1]
        item = cell.items[0]
        yield f"{item.message} ({item.rule}, {item.place.shown_path}:{item.place.line})"
        severities = dict(item.on)
        left = {other: cell for other, cell in left.items() if severities.get(other) != severities[name]}
