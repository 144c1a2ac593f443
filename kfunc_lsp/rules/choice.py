"""Which rules a project wants to hear of."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from kfunc_lsp import rules
from kfunc_lsp.errors import KfuncLspError


class RuleNameError(KfuncLspError):
    """A rule's name, or a pattern, in ``option`` (select or ignore) that no rule fits."""

    def __init__(self, text: str, option: str) -> None:
        super().__init__(text)
        self.option = option


@dataclass(frozen=True, slots=True)
class Choice:
    """The rules that are wanted."""

    names: frozenset[str]

    def wants(self, rule: str) -> bool:
        """Whether findings of the rule of this name are to be said."""
        return rule in self.names


@lru_cache(maxsize=64)
def choose(select: Sequence[str], ignore: Sequence[str]) -> Choice:
    """The rules that fit ``select`` (empty: all), less those that fit ``ignore``: names, or patterns with ``*``.

    Raises ``RuleNameError`` where a name fits no rule.
    """
    names = [rule.name for rule in rules.ALL]
    wanted = _fitting(select, "select", names) if select else set(names)
    return Choice(frozenset(wanted - _fitting(ignore, "ignore", names)))


def _fitting(patterns: Sequence[str], option: str, names: Sequence[str]) -> set[str]:
    found: set[str] = set()
    for pattern in (part.strip() for asked in patterns for part in asked.split(",")):
        fitting = fnmatch.filter(names, pattern)
        if not fitting:
            import difflib

            near = difflib.get_close_matches(pattern, names, 1)
            hint = f"did you mean `{near[0]}`?" if near else "`kfunc-lsp explain` lists them"
            raise RuleNameError(f"{pattern}: there is no such rule; {hint}", option)
        found.update(fitting)
    return found
