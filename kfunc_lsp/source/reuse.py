"""What the reading of a text depended on, so that the result serves wherever none of that is different."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.source.environment import Meaning
from kfunc_lsp.source.macros import Macro


@dataclass(frozen=True)
class Dependence:
    """The part of an environment that decided a result.

    ``names`` are the identifiers of the text, those that pasting made, and those of all macros reached from them;
    ``macros`` are the macros among them, ``known`` and ``beginnings`` those in question and what they are pasted from,
    and ``once`` the ``headers`` that ``#pragma once`` left out. What is in none of these was never looked at.
    """

    names: frozenset[str]
    macros: Mapping[str, Macro]
    known: frozenset[str]
    beginnings: frozenset[str]
    headers: frozenset[str]
    once: frozenset[str]

    @staticmethod
    def of(identifiers: Iterable[str], headers: Collection[str], before: Meaning) -> Dependence:
        """What a reading of text with ``identifiers``, through ``headers`` (paths), depended on."""
        table = before.table
        names = set(identifiers)
        pending = [name for name in names if name in table]
        while pending:
            for name in table[pending.pop()].identifiers:
                if name not in names:
                    names.add(name)
                    if name in table:
                        pending.append(name)
        return Dependence(
            frozenset(names),
            {name: table[name] for name in table.keys() & names},
            frozenset(names & before.names.known),
            frozenset(names & before.names.beginnings),
            frozenset(headers),
            frozenset(headers) & before.once,
        )

    def holds(self, meaning: Meaning) -> bool:
        """Whether a reading would depend on just the same where ``meaning`` decides."""
        table, names = meaning.table, meaning.names
        for name, macro in self.macros.items():
            other = table.get(name)
            if other is not macro and (other is None or other.key != macro.key):
                return False
        return (
            len(table.keys() & self.names) == len(self.macros)
            and names.known & self.names == self.known
            and names.beginnings & self.names == self.beginnings
            and meaning.once & self.headers == self.once
        )
