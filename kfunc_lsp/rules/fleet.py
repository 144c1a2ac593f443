"""The kernels that a program is to load on, told apart only where they answer differently.

Of a thousand kernels most answer alike about the few functions that one program names; rules look at one of each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import Kernel, KernelFunction
from kfunc_lsp.rules.load import Question, answer

Names = tuple[str, ...]

_MOST_NAMES = 8
"""Kernels that a sentence names one by one."""

_MOST_COMBINATIONS = 1024
"""Sets of questions whose answers are kept."""


class Fleet:
    """``kernels`` in the order in which they are to be named, and the ``loader`` that is used on all of them."""

    def __init__(self, kernels: Sequence[Kernel], loader: Loader = LIBBPF) -> None:
        self.kernels = tuple(kernels)
        self.loader = loader
        self._classes: dict[Question, list[int] | None] = {}
        self._combinations: dict[frozenset[Question], list[int] | None] = {}

    def split(self, members: Sequence[int], asked: Iterable[Question]) -> tuple[list[int], list[int]]:
        """Which of ``members`` (indices of kernels) answer all of ``asked`` as the first one does, and which not."""
        classes = self._combined(frozenset(asked))
        if classes is None:
            return list(members), []
        first = classes[members[0]]
        alike: list[int] = []
        others: list[int] = []
        for member in members:
            (alike if classes[member] == first else others).append(member)
        return alike, others

    def functions(self, name: str) -> list[tuple[KernelFunction | None, Names]]:
        """What the kernels have under exactly this name: each different function, and the kernels that have it."""
        return [(function, kernels) for (function,), kernels in self.answers(name)]

    def answers(self, *names: str) -> list[tuple[tuple[KernelFunction | None, ...], Names]]:
        """What the kernels have under exactly these names: each different combination, and the kernels that have it."""
        pending: Sequence[int] = range(len(self.kernels))
        found = []
        while pending:
            alike, pending = self.split(pending, names)
            found.append((tuple(self.kernels[alike[0]].find(name) for name in names), self.names(alike)))
        return found

    def names(self, members: Iterable[int]) -> Names:
        """What the kernels of these indices are called."""
        return tuple(self.kernels[member].name for member in members)

    def _combined(self, asked: frozenset[Question]) -> list[int] | None:
        """For each kernel the number of its answers to all of ``asked``; ``None`` where all answer alike.

        Programs ask the same again and again, and so do the places of one program.
        """
        if asked not in self._combinations:
            if len(self._combinations) >= _MOST_COMBINATIONS:
                self._combinations.clear()
            deciding = [classes for question in asked if (classes := self._classes_of(question)) is not None]
            numbers: dict[object, int] = {}
            combined = [numbers.setdefault(row, len(numbers)) for row in zip(*deciding, strict=True)]
            self._combinations[asked] = combined or None
        return self._combinations[asked]

    def _classes_of(self, question: Question) -> list[int] | None:
        """For each kernel the number of its answer; ``None`` where all answer alike."""
        if question not in self._classes:
            numbers: dict[object, int] = {}
            classes = [numbers.setdefault(answer(kernel, question), len(numbers)) for kernel in self.kernels]
            self._classes[question] = classes if len(numbers) > 1 else None
        return self._classes[question]


@lru_cache(maxsize=8)
def fleet_of(kernels: tuple[Kernel, ...], loader: Loader) -> Fleet:
    """The fleet of these kernels, the same for the same ones, so that what it has learned of them stays."""
    return Fleet(kernels, loader)


def listed(names: Sequence[str]) -> str:
    """The names of kernels in a sentence: all of them, unless they are many."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1:,} more"
