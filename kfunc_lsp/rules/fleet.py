"""The kernels that a program is to load on, told apart only where they answer differently.

Of a thousand kernels most answer alike about the one function that a rule asks about; it looks at one of each.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from enum import Enum
from functools import lru_cache

from kfunc_lsp.dataclass import NamedTuple, dataclass
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import Fact, Kernel, KernelFunction

Names = tuple[str, ...]

Members = int
"""A set of a fleet's kernels: bit n is for the one of index n."""

_MOST_NAMES = 8
"""Kernels that a sentence names one by one."""

_MOST_LISTS = 1024
"""Lists of names that are kept."""

_MOST_QUESTIONS = 20_000
"""Questions whose answers are kept: there is one for each name that was ever typed."""


class Trait(Enum):
    """What may be asked of a kernel beside its functions; the values are the names of properties of ``Kernel``."""

    VERSION = "version"
    IS_WHOLE = "is_whole"
    KFUNCS_KNOWN = "kfuncs_known"
    FLAGS_KNOWN = "flags_known"
    YOUNG_HOOKS = "young_hooks"
    TRUSTS_BY_DEFAULT = "trusts_by_default"
    MODULES_LOADED = "modules_loaded"


class Since(NamedTuple):
    """Whether a kernel is of this version or a later one."""

    major: int
    minor: int


Question = str | Trait | Since | Fact
"""The name of a function, a trait, a version, or whether facts of a kind are the kernel's own."""


@dataclass(frozen=True, slots=True)
class _Classes:
    """The answers to one question: for each kernel the number of its answer, for each number the kernels."""

    numbers: Sequence[int]
    members: Sequence[Members]


class Fleet:
    """``kernels`` in the order in which they are to be named, and the ``loader`` that is used on all of them."""

    def __init__(self, kernels: Sequence[Kernel], loader: Loader = LIBBPF) -> None:
        self.kernels = tuple(kernels)
        self.loader = loader
        self.everyone: Members = (1 << len(self.kernels)) - 1
        self._classes: dict[Question, _Classes | None] = {}
        self._names: dict[Members, Names] = {}
        self._similar: dict[str, Sequence[str]] = {}

    def alike(self, question: Question, kernel: int) -> Members:
        """Those that answer ``question`` as the kernel of index ``kernel`` does."""
        if question not in self._classes:
            if len(self._classes) >= _MOST_QUESTIONS:
                self._classes.clear()
            self._classes[question] = self._classified(question)
        classes = self._classes[question]
        return self.everyone if classes is None else classes.members[classes.numbers[kernel]]

    def similar(self, name: str) -> Sequence[str]:
        """Names of functions that are like ``name``, the one most like it first."""
        if name not in self._similar:
            from difflib import get_close_matches

            if len(self._similar) >= _MOST_LISTS:
                self._similar.clear()
            known = {function for kernel in self.kernels for function in kernel.functions}
            self._similar[name] = get_close_matches(name, known, len(known) or 1, 0.8)
        return self._similar[name]

    def functions(self, name: str) -> list[tuple[KernelFunction | None, Names]]:
        """What the kernels have under exactly this name: each different function, and the kernels that have it."""
        return [(function, kernels) for (function,), kernels in self.answers(name)]

    def answers(self, *names: str) -> list[tuple[tuple[KernelFunction | None, ...], Names]]:
        """What the kernels have under exactly these names: each different combination, and the kernels that have it."""
        pending = self.everyone
        found = []
        while pending:
            first = lowest(pending)
            alike = pending
            for name in names:
                alike &= self.alike(name, first)
            found.append((tuple(self.kernels[first].find(name) for name in names), self.names(alike)))
            pending ^= alike
        return found

    def names(self, members: Members) -> Names:
        """What these kernels are called."""
        if members not in self._names:
            if len(self._names) >= _MOST_LISTS:
                self._names.clear()
            self._names[members] = tuple(self.kernels[index].name for index in _indices(members))
        return self._names[members]

    def by_source(self, members: Members, fact: Fact) -> Iterator[tuple[str, Members]]:
        """Where facts of a kind are from, in words, and those of ``members`` that have them from there."""
        while members:
            source = self.kernels[lowest(members)].source_of(fact)
            alike = members & self.alike(fact, lowest(members))
            members ^= alike
            yield source, alike

    def _classified(self, question: Question) -> _Classes | None:
        """``None`` where all answer alike."""
        by_answer: dict[Hashable, int] = {}
        # kernels may share functions, whose facts are long to compare
        by_function: dict[KernelFunction, int] = {}
        numbers: list[int] = []
        members: list[Members] = []
        for index, kernel in enumerate(self.kernels):
            function = kernel.find(question) if isinstance(question, str) else None
            number = None if function is None else by_function.get(function)
            if number is None:
                number = by_answer.setdefault(_answer(kernel, question, function), len(members))
                if function is not None:
                    by_function[function] = number
            if number == len(members):
                members.append(0)
            members[number] |= 1 << index
            numbers.append(number)
        return _Classes(numbers, members) if len(members) > 1 else None


def _answer(kernel: Kernel, question: Question, function: KernelFunction | None) -> Hashable:
    """What ``kernel`` answers, which has ``function`` under the name that is asked about, if one is.

    Equal answers mean that no rule can tell kernels apart by this question.
    """
    if isinstance(question, str):
        return None if function is None else function.facts
    if isinstance(question, Since):
        return None if kernel.version is None else kernel.version >= question
    if isinstance(question, Fact):
        return kernel.source_of(question)
    trait = getattr(kernel, question.value)
    return tuple(trait.items()) if isinstance(trait, Mapping) else trait


def lowest(members: Members) -> int:
    """The first of some kernels, by index."""
    return (members & -members).bit_length() - 1


def _indices(members: Members) -> Iterator[int]:
    while members:
        yield lowest(members)
        members &= members - 1


@lru_cache(maxsize=8)
def fleet_of(kernels: tuple[Kernel, ...], loader: Loader) -> Fleet:
    """The fleet of these kernels, the same for the same ones, so that what it has learned of them stays."""
    return Fleet(kernels, loader)


def listed(names: Sequence[str]) -> str:
    """The names of kernels in a sentence: all of them, unless they are many."""
    if len(names) <= _MOST_NAMES:
        return ", ".join(names)
    return f"{', '.join(names[: _MOST_NAMES - 1])} and {len(names) - _MOST_NAMES + 1:,} more"
