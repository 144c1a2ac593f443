"""The matrix as one JSON document; ``docs/output.md`` says what is in it."""

from __future__ import annotations

import json

from kfunc_lsp.report.table.model import Matrix

VERSION = 1


def write(matrix: Matrix) -> str:
    """The document, indented, ending in a newline."""
    rows = [
        {
            "program": row.program,
            "loads": row.loads,
            "kernels": {
                kernel.name: {
                    "status": cell.status.value,
                    "findings": [
                        {
                            "rule": item.rule,
                            "message": item.message,
                            "path": item.place.shown_path,
                            "line": item.place.line,
                            "column": item.place.column,
                        }
                        for item in cell.items
                    ],
                }
                for kernel, cell in zip(matrix.kernels, row.cells, strict=True)
            },
        }
        for row in matrix.rows
    ]
    document = {
        "version": VERSION,
        "kernels": [{"name": kernel.name, "title": kernel.title} for kernel in matrix.kernels],
        "programs": rows,
        "errors": list(matrix.errors),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
