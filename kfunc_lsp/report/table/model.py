"""Programs by kernels: on which each loads, and from which kernel on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.report.item import Item, shown_path
from kfunc_lsp.report.model import KernelName, Outcome
from kfunc_lsp.rules.model import Severity

_NUMBER = re.compile(r"\d+")


class Status(Enum):
    """How a program fares on a kernel; the values are the words for it."""

    OK = "ok"
    WARNS = "warns"
    FAILS = "fails"


@dataclass(frozen=True, slots=True)
class Cell:
    """One program on one kernel, and the findings there (hints left out), the worst first."""

    status: Status
    items: tuple[Item, ...]

    def is_doubtful(self, kernel: str) -> bool:
        """Whether a warning foresees that the program is refused on ``kernel``."""
        predictions = (prediction for item in self.items for prediction in item.predictions)
        return self.status is Status.WARNS and any(kernel in prediction.kernels for prediction in predictions)


@dataclass(frozen=True, slots=True)
class Row:
    """One program: its path, a cell for each kernel, and a sentence that says where it loads."""

    program: str
    cells: tuple[Cell, ...]
    loads: str


@dataclass(frozen=True, slots=True)
class Matrix:
    """All programs on all kernels, the oldest kernel first; ``errors`` say what could not be read."""

    kernels: tuple[KernelName, ...]
    rows: tuple[Row, ...]
    errors: tuple[str, ...]


def matrix(outcomes: Sequence[Outcome], kernels: Sequence[KernelName]) -> Matrix:
    """The matrix of what the check of some programs gave."""
    ordered = tuple(sorted(kernels, key=lambda kernel: _version(kernel.name)))
    rows = tuple(_row(outcome, ordered) for outcome in outcomes if not outcome.error)
    return Matrix(ordered, rows, tuple(outcome.error for outcome in outcomes if outcome.error))


def _version(name: str) -> tuple[bool, list[int], str]:
    """Names that begin with a number by their numbers, the others behind them."""
    is_number = name[:1].isdigit()
    return not is_number, [int(number) for number in _NUMBER.findall(name)] if is_number else [], name


def _row(outcome: Outcome, kernels: Sequence[KernelName]) -> Row:
    cells = tuple(_cell(outcome, kernel.name) for kernel in kernels)
    names = [kernel.name for kernel in kernels]
    words = loads(names, [cell.status is not Status.FAILS for cell in cells])
    doubtful = [name for name, cell in zip(names, cells, strict=True) if cell.is_doubtful(name)]
    if doubtful and len(doubtful) == sum(cell.status is not Status.FAILS for cell in cells):
        words = f"perhaps {words}"
    elif doubtful:
        words += f"; perhaps not {', '.join(doubtful)}"
    return Row(shown_path(outcome.name), cells, words)


def _cell(outcome: Outcome, kernel: str) -> Cell:
    found = [(severity, item) for item in outcome.items for name, severity in item.on if name == kernel]
    bad = sorted((pair for pair in found if pair[0] > Severity.HINT), key=lambda pair: -pair[0])
    if not bad:
        return Cell(Status.OK, ())
    status = Status.FAILS if bad[0][0] is Severity.ERROR else Status.WARNS
    return Cell(status, tuple(item for _, item in bad))


def loads(names: Sequence[str], fine: Sequence[bool]) -> str:
    """In words, on which of the kernels ``names`` (the oldest first) a program loads, as ``fine`` says."""
    good = [name for name, is_fine in zip(names, fine, strict=True) if is_fine]
    if len(good) == len(names):
        return "all"
    if not good:
        return "none"
    first = fine.index(True)
    exceptions = [name for name, is_fine in zip(names[first:], fine[first:], strict=True) if not is_fine]
    if fine[-1] and len(exceptions) < len(good):
        return f"{names[first]}+" + (f", except {', '.join(exceptions)}" if exceptions else "")
    last = len(fine) - 1 - fine[::-1].index(True)
    if all(fine[: last + 1]):
        return f"up to {names[last]}"
    return f"only {', '.join(good)}"
