"""What a writer gets: all that a check has found, on what, and against which kernels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.report.item import Item
from kfunc_lsp.rules.model import Severity

TOOL = "kfunc-lsp"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the check of one unit gave.

    ``name`` is the file as it was asked for, ``main`` the path of the unit's main file. ``remarks`` say what was given
    up; ``error`` why the file could not be read at all.
    """

    name: str
    main: str = ""
    items: tuple[Item, ...] = ()
    remarks: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class KernelName:
    """A kernel's name, and a title that also says where it is from."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Report:
    """A check: its findings in order, the ``programs`` (paths) that were checked, the ``kernels``.

    ``notes`` say what was given up, ``errors`` what could not be read. ``known`` counts findings that a baseline hides.
    """

    items: Sequence[Item]
    programs: Sequence[str]
    kernels: Sequence[KernelName]
    kernels_chosen: bool
    notes: Sequence[str]
    errors: Sequence[str]
    known: int
    milliseconds: float
    version: str

    @property
    def tally(self) -> list[tuple[Severity, int]]:
        """How many findings there are of each severity, the worst first."""
        return sorted(Counter(item.severity for item in self.items).items(), reverse=True)


def count(number: int, noun: str) -> str:
    """``number`` things in words."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def sentences(item: Item) -> list[str]:
    """All that a finding says beside its message, one sentence each, for formats without parts of their own."""
    found = [item.why]
    found += [f"{p.speaker} will say ({', '.join(p.kernels)}): {p.message}" for p in item.predictions]
    found += [f"{', '.join(kernels)}: {comment}" for comment, kernels in item.elsewhere]
    found += [f"{m.text}: {m.place.shown_path}:{m.place.line}:{m.place.column}" for m in item.related]
    return [*found, item.advice] if item.advice else found
