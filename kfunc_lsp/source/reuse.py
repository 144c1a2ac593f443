"""What the reading of a text depended on, so that the result serves wherever none of that is different."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.source.environment import Environment
from kfunc_lsp.source.macros import Macro


@dataclass(frozen=True)
class Before:
    """An environment as it was before a text was read: that reading changes the tables themselves."""

    table: Mapping[str, Macro]
    known: Set[str]
    beginnings: Set[str]
    once: Set[str]

    @staticmethod
    def now(environment: Environment) -> Before:
        """What decides how text is read now, good until the environment changes."""
        names = environment.names
        return Before(environment.table, names.known, names.beginnings, environment.once)

    @staticmethod
    def of(environment: Environment) -> Before:
        """A copy of what decides how text is read."""
        names = environment.names
        return Before(
            dict(environment.table), frozenset(names.known), frozenset(names.beginnings), frozenset(environment.once)
        )


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
    def of(identifiers: Iterable[str], headers: Collection[str], before: Before) -> Dependence:
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
            frozenset(names & before.known),
            frozenset(names & before.beginnings),
            frozenset(headers),
            frozenset(headers) & before.once,
        )

    def holds(self, environment: Environment) -> bool:
        """Whether a reading in ``environment`` would depend on just the same."""
        table, names = environment.table, environment.names
        for name, macro in self.macros.items():
            other = table.get(name)
            if other is not macro and (other is None or other.key != macro.key):
                return False
        return (
            len(table.keys() & self.names) == len(self.macros)
            and names.known & self.names == self.known
            and names.beginnings & self.names == self.beginnings
            and environment.once & self.headers == self.once
        )
