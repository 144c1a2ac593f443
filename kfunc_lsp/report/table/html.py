"""The matrix as one page that needs nothing else: no network, no fonts, and no script to be read.

Colour never stands alone, each cell leads to its findings, and the script only filters and sorts.
"""

from __future__ import annotations

from collections import Counter
from html import escape
from pathlib import Path

from kfunc_lsp.report.item import Item
from kfunc_lsp.report.markup import printable
from kfunc_lsp.report.model import count, sentences
from kfunc_lsp.report.table.model import Cell, Matrix, Row, Status
from kfunc_lsp.rules.model import Severity

_DATA = Path(__file__).parents[2] / "data"
_SIGNS = {Status.OK: "✓", Status.WARNS: "!", Status.FAILS: "✗"}
_RANKS = {Status.FAILS: 0, Status.WARNS: 1, Status.OK: 2}

_SUMS = (
    (Status.FAILS, "does not load everywhere", "do not load everywhere"),
    (Status.WARNS, "may load, with warnings", "may load, with warnings"),
    (Status.OK, "loads everywhere", "load everywhere"),
)


def write(matrix: Matrix) -> str:
    """The page."""
    tally = Counter(_worst(row) for row in matrix.rows)
    summary = ", ".join(
        f"{tally[status]} {one if tally[status] == 1 else many}" for status, one, many in _SUMS if tally[status]
    )
    rows = "\n".join(_row(number, row) for number, row in enumerate(matrix.rows))
    bad = [(number, row) for number, row in enumerate(matrix.rows) if _worst(row) is not Status.OK]
    details = "\n".join(_details(number, row) for number, row in bad)
    errors = "".join(f'<p class="fails">Not read: {_text(error)}</p>\n' for error in matrix.errors)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>kfuncs: programs by kernels</title>
<style>
{(_DATA / "matrix.css").read_text()}</style>
</head>
<body>
<h1>kfuncs: programs by kernels</h1>
<p class="sum">{count(len(matrix.rows), "program")}, {count(len(matrix.kernels), "kernel")}: {summary}</p>
{errors}<form hidden onsubmit="return false">
<input type="search" placeholder="Filter programs" aria-label="Filter programs">
<label><input type="checkbox"> only those with findings</label>
</form>
<div class="scroll"><table>
<thead><tr>{_heads(matrix)}</tr></thead>
<tbody>
{rows}
</tbody>
</table></div>
{details}
<script>
{(_DATA / "matrix.js").read_text()}</script>
</body>
</html>
"""


def _heads(matrix: Matrix) -> str:
    heads = [
        '<th scope="col"><button>program</button></th><th scope="col" class="loads"><button>loads on</button></th>'
    ]
    for kernel in matrix.kernels:
        heads.append(f'<th scope="col" title="{_text(kernel.title)}"><button>{_text(kernel.name)}</button></th>')
    return "".join(heads)


def _text(text: str) -> str:
    return escape(printable(text))


def _words(text: str) -> str:
    """A sentence, with what stands between backquotes as code."""
    parts = _text(text).split("`")
    return "".join(f"<code>{part}</code>" if at % 2 and at + 1 < len(parts) else part for at, part in enumerate(parts))


def _worst(row: Row) -> Status:
    return min((cell.status for cell in row.cells), key=lambda status: _RANKS[status], default=Status.OK)


def _row(number: int, row: Row) -> str:
    cells = "".join(_cell(number, column, cell) for column, cell in enumerate(row.cells))
    folder, slash, name = row.program.rpartition("/")
    path = _text(row.program)
    head = f'<th scope="row" data-key="{path}"><b>{_text(name)}</b><small>{_text(folder + slash)}</small></th>'
    loads = f'<td class="loads">{_text(row.loads)}</td>'
    return f'<tr id="p{number}" data-worst="{_RANKS[_worst(row)]}">{head}{loads}{cells}</tr>'


def _cell(number: int, column: int, cell: Cell) -> str:
    name = cell.status.value
    shown = f"{_SIGNS[cell.status]}<i> {name}</i>"
    inside = f'<a href="#f{number}-{column}">{shown}</a>' if cell.items else f"<span>{shown}</span>"
    return f'<td class="{name}" data-key="{_RANKS[cell.status]}">{inside}</td>'


def _details(number: int, row: Row) -> str:
    """The findings of a program; a cell leads to the worst of its own."""
    anchors: dict[int, str] = {}
    found: dict[int, Item] = {}
    for column, cell in enumerate(row.cells):
        found |= {id(item): item for item in cell.items}
        if cell.items:
            worst = id(cell.items[0])
            anchors[worst] = f'{anchors.get(worst, "")}<span id="f{number}-{column}"></span>'
    articles = "\n".join(_article(item, anchors.get(key, "")) for key, item in found.items())
    back = f'<a href="#p{number}" title="back to the table">↑</a>'
    return f'<section data-of="p{number}"><h2>{_text(row.program)} {back}</h2>\n{articles}\n</section>'


def _article(item: Item, anchors: str) -> str:
    status = Status.FAILS if item.severity is Severity.ERROR else Status.WARNS
    notes = "".join(f"<li>{_words(sentence)}</li>" for sentence in sentences(item))
    place = f"{item.place.shown_path}:{item.place.line}:{item.place.column}"
    source = _text(item.marks[0].source.strip())
    head = f"{anchors}<h3>{_SIGNS[status]} {_words(item.message)}</h3><p>{_text(item.rule)} · {_text(place)}</p>"
    return f'<article class="{status.value}">{head}<pre>{source}</pre><ul>{notes}</ul></article>'
