"""The matrix as comma-separated values (RFC 4180)."""

from __future__ import annotations

import csv
import io

from kfunc_lsp.report.table.model import Matrix


def write(matrix: Matrix) -> str:
    """A line a program: its path, ``ok``, ``warns`` or ``fails`` for each kernel, where it loads."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\r\n")
    rows.writerow(["program", *(kernel.name for kernel in matrix.kernels), "loads on"])
    for row in matrix.rows:
        rows.writerow([row.program, *(cell.status.value for cell in row.cells), row.loads])
    return out.getvalue()
