"""Findings as plain values: what every writer writes, and what goes from one process to another.

Nothing here holds a source file or a rule's code. Lines and columns count from 1, ends are exclusive.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.rules.model import Finding, Fix, Label, Prediction, Severity
from kfunc_lsp.unit.model import SourceFile, Span


@dataclass(frozen=True, slots=True)
class Place:
    """A piece of the file at ``path``, which is absolute where there is such a file.

    Columns count characters; ``byte_column`` and ``end_byte_column`` bytes, as ``start`` and ``end`` do from the file's
    beginning (from 0).
    """

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    byte_column: int
    end_byte_column: int
    start: int
    end: int

    @property
    def shown_path(self) -> str:
        """``path`` relative to the current folder where it lies in it."""
        return shown_path(self.path)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place with the line that it begins on, and what to say there."""

    place: Place
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """Replace ``old``, which is at ``place``, by ``text``."""

    place: Place
    old: str
    text: str


@dataclass(frozen=True, slots=True)
class Repair:
    """A fix; not to be applied unseen where there is a ``caution``."""

    title: str
    caution: str
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A finding. ``marks`` begins with the main place; ``on`` are the kernels that it holds on, and how bad there.

    ``sources`` says where the facts are from, by kernel; ``elsewhere`` how other kernels take it. The rest is as in
    ``rules.model``.
    """

    rule: str
    severity: Severity
    message: str
    subject: str
    on: tuple[tuple[str, Severity], ...]
    marks: tuple[Mark, ...]
    why: str
    predictions: tuple[Prediction, ...]
    sources: tuple[tuple[str, tuple[str, ...]], ...]
    elsewhere: tuple[tuple[str, tuple[str, ...]], ...]
    related: tuple[Mark, ...]
    advice: str
    fix: Repair | None

    @property
    def kernels(self) -> tuple[str, ...]:
        """The kernels that it holds on."""
        return tuple(kernel for kernel, _ in self.on)

    @property
    def place(self) -> Place:
        """Where it stands."""
        return self.marks[0].place


def item_of(finding: Finding) -> Item:
    """``finding`` without what hangs on it."""
    violation = finding.violation
    return Item(
        rule=finding.rule.name,
        severity=finding.severity,
        message=finding.message,
        subject=violation.subject,
        on=tuple((name, s.severity) for s in finding.standings if s.fails and s.severity for name in s.kernels),
        marks=tuple(_marks([Label(violation.span, violation.label), *violation.marks])),
        why=violation.why,
        predictions=tuple(finding.predictions),
        sources=tuple(finding.sources),
        elsewhere=tuple(finding.elsewhere),
        related=tuple(_marks(violation.related)),
        advice=violation.advice,
        fix=_repair(finding.fix) if finding.fix else None,
    )


def place_of(span: Span) -> Place:
    """Where ``span`` stands, in lines and characters."""
    line, column, byte_column = _position(span.file, span.start)
    end_line, end_column, end_byte_column = _position(span.file, span.end)
    return Place(span.file.path, line, column, end_line, end_column, byte_column, end_byte_column, span.start, span.end)


def _position(file: SourceFile, offset: int) -> tuple[int, int, int]:
    line, byte = file.position(offset)
    return line + 1, len(SourceFile.decode(file.line(line)[:byte])) + 1, byte + 1


def _marks(labels: Sequence[Label]) -> Iterable[Mark]:
    for label in labels:
        file = label.span.file
        line = file.position(label.span.start)[0]
        yield Mark(place_of(label.span), SourceFile.decode(file.line(line)), label.text)


def _repair(fix: Fix) -> Repair:
    changes = tuple(
        Change(place_of(edit.span), SourceFile.decode(edit.span.text), SourceFile.decode(edit.text))
        for edit in fix.edits
    )
    return Repair(fix.title, fix.caution, changes)


def shown_path(path: str) -> str:
    """``path`` relative to the current folder where it lies in it."""
    relative = os.path.relpath(path) if os.path.isabs(path) else path
    return path if relative.startswith("..") else relative
