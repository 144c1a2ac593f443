"""Findings as text for people: what is wrong, where, why in the loader's own words, what to write instead."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from kfunc_lsp.rules.fleet import listed
from kfunc_lsp.rules.model import Finding, Label, Severity
from kfunc_lsp.unit.model import SourceFile, Span

_TAB = 4
_COLOURS = {Severity.ERROR: "31;1", Severity.WARNING: "33;1", Severity.HINT: "36;1"}


class Style:
    """Colours, or none."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured

    def paint(self, text: str, code: str) -> str:
        """``text`` in the colour of an SGR ``code``."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured and text else text


class _Mark(NamedTuple):
    start: int
    end: int
    is_main: bool
    text: str


def write_finding(finding: Finding, style: Style) -> str:
    """One finding with its source lines, ending in a newline."""
    colour = _COLOURS[finding.severity]
    head = style.paint(f"{finding.severity.word}[{finding.rule.name}]", colour)
    lines = [f"{head}: {style.paint(finding.message, '1')}"]
    violation = finding.violation
    labels = [Label(violation.span, violation.label), *violation.marks]
    numbers = [_line_of(label.span) for label in labels]
    width = len(str(max(numbers) + 1))
    gutter = style.paint(" " * width + " |", "34;1")
    line, column = place(violation.span)
    arrow = style.paint("-->", "34;1")
    lines.append(f"{' ' * width}{arrow} {shown_path(violation.span.file.path)}:{line}:{column}")
    lines.append(gutter)
    previous = -1
    for number in sorted(set(numbers)):
        if previous >= 0 and number > previous + 1:
            lines.append(style.paint("…".ljust(width + 2), "34;1"))
        here = [(label, index == 0) for index, label in enumerate(labels) if _line_of(label.span) == number]
        source, marks = _layout(violation.span.file, number, here)
        lines.append(f"{style.paint(f'{number + 1:>{width}} |', '34;1')} {source}".rstrip())
        lines += [f"{gutter} {row}" for row in _underlines(marks, style, colour)]
        previous = number
    lines.append(gutter)
    note = " " * width + style.paint(" = ", "34;1")
    lines += [note + text for text in _notes(finding)]
    return "\n".join(lines) + "\n"


def _notes(finding: Finding) -> Iterable[str]:
    violation = finding.violation
    yield violation.why
    is_one = sum(len(standing.kernels) for standing in finding.standings) == 1
    for speaker, message, kernels in finding.predictions:
        names = "" if is_one else f" ({listed(kernels)})"
        yield f"{speaker} will say{names}:\n       {message}"
    for comment, kernels in finding.elsewhere:
        yield f"{listed(kernels)}: {comment}"
    for label in violation.related:
        line, column = place(label.span)
        yield f"{label.text}: {shown_path(label.span.file.path)}:{line}:{column}"
    if violation.advice:
        yield violation.advice
    if finding.fix:
        safety = "safe" if finding.fix.is_safe else f"not applied by itself: {finding.fix.caution}"
        yield f"fix ({safety}): {finding.fix.title}"
    yield f"more: kfunc-lsp explain {finding.rule.name}"


def _line_of(span: Span) -> int:
    return span.file.position(span.start)[0]


def place(span: Span) -> tuple[int, int]:
    """Line and column of a span, both from 1; the column counts characters."""
    line, byte = span.file.position(span.start)
    return line + 1, len(SourceFile.decode(span.file.line(line)[:byte])) + 1


def shown_path(path: str) -> str:
    """``path`` relative to the current folder where it lies in it."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative


def _layout(file: SourceFile, number: int, labels: Iterable[tuple[Label, bool]]) -> tuple[str, list[_Mark]]:
    """A source line as it is shown, and the cells that each label covers on it."""
    raw = file.line(number)
    start = file.line_starts[number]
    source = _expand(raw)
    marks = []
    for label, is_main in labels:
        first = _width(_expand(raw[: label.span.start - start]))
        last = _width(_expand(raw[: max(label.span.end - start, label.span.start - start + 1)]))
        marks.append(_Mark(first, max(last, first + 1), is_main, label.text))
    return source, sorted(marks)


def _expand(raw: str) -> str:
    text = SourceFile.decode(raw).expandtabs(_TAB)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else not unicodedata.combining(c) for c in text)


def _underlines(marks: Sequence[_Mark], style: Style, colour: str) -> Iterable[str]:
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
