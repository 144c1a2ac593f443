"""Findings as text for people: what is wrong, where, why in the loader's own words, what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.report.folding import folded
from kfunc_lsp.report.item import Item, Mark
from kfunc_lsp.report.model import Report, count
from kfunc_lsp.rules.fleet import listed
from kfunc_lsp.rules.model import Severity

_TAB = 4
_COLOURS = {Severity.ERROR: "31;1", Severity.WARNING: "33;1", Severity.HINT: "36;1"}


class Style:
    """Colours, or none; the width that sentences are to fit in ``columns``, ``None`` for whole lines."""

    def __init__(self, coloured: bool, columns: int | None = None) -> None:
        self._coloured = coloured
        self.columns = columns

    def paint(self, text: str, code: str) -> str:
        """``text`` in the colour of an SGR ``code``."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured and text else text


def write(report: Report, style: Style | None = None) -> str:
    """The findings, what there is to note, and a line that sums up."""
    style = style or Style(coloured=False)
    lines = [write_item(item, style) for item in report.items]
    for note in report.notes:
        lines += folded(f"note: {note}", style.columns)
    lines += folded(f"{_found(report)} · {_kernels(report)} · {report.milliseconds:.0f} ms", style.columns)
    return "\n".join(lines) + "\n"


def _found(report: Report) -> str:
    checked = count(len(report.programs), "program")
    missed = f" · {count(len(report.errors), 'file')} not read" if report.errors else ""
    if report.known:
        missed = f" · {count(report.known, 'known finding')} not shown{missed}"
    if not report.items:
        return (f"no findings · {checked}" if report.programs else "nothing checked") + missed
    tally = ", ".join(count(number, severity.word) for severity, number in report.tally)
    return f"{count(len(report.items), 'finding')} in {checked} ({tally}){missed}"


def _kernels(report: Report) -> str:
    label = "kernel" if len(report.kernels) == 1 else "kernels"
    default = "" if report.kernels_chosen else " by default"
    return f"{label}{default}: {'; '.join(kernel.title for kernel in report.kernels)}"


class _Cells(NamedTuple):
    start: int
    end: int
    is_main: bool
    text: str


def write_item(item: Item, style: Style) -> str:
    """One finding with its source lines, ending in a newline."""
    colour = _COLOURS[item.severity]
    head = f"{item.severity.word}[{item.rule}]:"
    first, *further = folded(f"{head} {item.message}", style.columns)
    lines = [f"{style.paint(head[:-1], colour)}: {style.paint(first[len(head) + 1 :], '1')}"]
    lines += [style.paint(line, "1") for line in further]
    numbers = [mark.place.line for mark in item.marks]
    width = len(str(max(numbers)))
    gutter = style.paint(" " * width + " |", "34;1")
    arrow = style.paint("-->", "34;1")
    lines.append(f"{' ' * width}{arrow} {_shown_place(item.marks[0])}")
    lines.append(gutter)
    previous = 0
    for number in sorted(set(numbers)):
        if previous and number > previous + 1:
            lines.append(style.paint("…".ljust(width + 2), "34;1"))
        here = [(mark, index == 0) for index, mark in enumerate(item.marks) if mark.place.line == number]
        lines.append(f"{style.paint(f'{number:>{width}} |', '34;1')} {_expand(here[0][0].source)}".rstrip())
        lines += [f"{gutter} {row}" for row in _underlines(_layout(here), style, colour)]
        previous = number
    lines.append(gutter)
    sign, indent = " " * width + style.paint(" = ", "34;1"), " " * (width + 3)
    for text, quoted in _notes(item):
        first, *further = folded(text, style.columns, indent, "")
        lines += [sign + first[len(indent) :], *further]
        lines += [f"       {quoted}"] if quoted else []
    return "\n".join(lines) + "\n"


def _notes(item: Item) -> Iterable[tuple[str, str]]:
    """What there is to say, and below it what is quoted, word by word."""
    yield item.why, ""
    is_one = len(item.kernels) + sum(len(kernels) for _, kernels in item.elsewhere) == 1
    for speaker, message, kernels in ((p.speaker, p.message, p.kernels) for p in item.predictions):
        names = "" if is_one else f" ({listed(kernels)})"
        yield f"{speaker} will say{names}:", message
    for comment, kernels in item.elsewhere:
        yield f"{listed(kernels)}: {comment}", ""
    for mark in item.related:
        yield f"{mark.text}: {_shown_place(mark)}", ""
    if item.advice:
        yield item.advice, ""
    if item.fix:
        safety = f"not applied by itself: {item.fix.caution}" if item.fix.caution else "safe"
        yield f"fix ({safety}): {item.fix.title}", ""
    yield f"more: kfunc-lsp explain {item.rule}", ""


def _shown_place(mark: Mark) -> str:
    return f"{mark.place.shown_path}:{mark.place.line}:{mark.place.column}"


def _layout(marks: Iterable[tuple[Mark, bool]]) -> list[_Cells]:
    """The cells that each mark covers on its line."""
    cells = []
    for mark, is_main in marks:
        place, source = mark.place, mark.source
        stop = place.end_column if place.end_line == place.line else len(source) + 1
        first = _width(_expand(source[: place.column - 1]))
        last = _width(_expand(source[: max(stop - 1, place.column)]))
        cells.append(_Cells(first, max(last, first + 1), is_main, mark.text))
    return sorted(cells)


def _expand(source: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in source.expandtabs(_TAB))


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _underlines(marks: Sequence[_Cells], style: Style, colour: str) -> Iterable[str]:
    row, cell = "", 0
    for index, mark in enumerate(marks):
        last = index + 1 == len(marks)
        text = f" {mark.text}" if mark.text and (last or marks[index + 1].text != mark.text) and last else ""
        sign = "^" if mark.is_main else "-"
        row += " " * (mark.start - cell) + style.paint(
            sign * (mark.end - mark.start) + text, colour if mark.is_main else "34;1"
        )
        cell = mark.end
    yield row
    shown = {marks[-1].text}
    for mark in marks[:-1]:
        if mark.text and mark.text not in shown:
            shown.add(mark.text)
            yield " " * mark.start + style.paint(mark.text, colour if mark.is_main else "34;1")
