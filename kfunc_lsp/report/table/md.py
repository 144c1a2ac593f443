"""The matrix as a Markdown table."""

from __future__ import annotations

from collections.abc import Iterable

from kfunc_lsp.report.table.model import Matrix, Status

_SIGNS = {Status.OK: "✓", Status.WARNS: "! warns", Status.FAILS: "✗ fails"}


def write(matrix: Matrix) -> str:
    """The table: programs, kernels, where each loads."""
    lines = [_line(["program", *(kernel.name for kernel in matrix.kernels), "loads on"])]
    lines.append(_line(["---", *(":-:" for _ in matrix.kernels), "---"]))
    lines += [
        _line([f"`{row.program}`", *(_SIGNS[cell.status] for cell in row.cells), row.loads]) for row in matrix.rows
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
