"""Which rules a project wants to hear of, where, and how severe their findings are to it."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Mapping, Sequence
from functools import lru_cache

from kfunc_lsp import rules
from kfunc_lsp.config import Config
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.rules.model import Severity


class RuleNameError(KfuncLspError):
    """A rule's name, or a pattern, in ``option`` that no rule fits; or a severity that does not exist."""

    def __init__(self, text: str, option: str) -> None:
        super().__init__(text)
        self.option = option


@dataclass(frozen=True)
class Choice:
    """The rules that are wanted; in files that fit a pattern of ``less``, without those; ``severities`` by rule."""

    names: frozenset[str]
    less: tuple[tuple[str, frozenset[str]], ...]
    severities: Mapping[str, Severity]

    def judged(self, rule: str, path: str, severity: Severity) -> Severity | None:
        """How severe a finding of the rule of this name in the file at ``path`` is; ``None`` where it is not wanted."""
        if rule not in self.names or any(rule in names and _is_meant(path, pattern) for pattern, names in self.less):
            return None
        return self.severities.get(rule, severity)


def _is_meant(path: str, pattern: str) -> bool:
    """Whether ``path`` fits a pattern of paths, or its last part one without a slash."""
    return fnmatch.fnmatchcase(path if "/" in pattern else os.path.basename(path), pattern)


@lru_cache(maxsize=64)
def choose(config: Config) -> Choice:
    """What the settings say of rules. Raises ``RuleNameError`` where a name fits no rule."""
    names = [rule.name for rule in rules.ALL]
    wanted = _fitting(config.select, "select", names) if config.select else set(names)
    less = [
        (pattern, frozenset(_fitting(asked, "per-file-ignores", names)))
        for pattern, asked in config.per_file_ignores.items()
    ]
    words = {severity.word: severity for severity in Severity}
    severities: dict[str, Severity] = {}
    for word, asked in config.severities.items():
        if word not in words:
            raise RuleNameError(f"{word}: there is no such severity; there are {', '.join(words)}", "severities")
        severities.update(dict.fromkeys(_fitting(asked, "severities", names), words[word]))
    return Choice(frozenset(wanted - _fitting(config.ignore, "ignore", names)), tuple(less), severities)


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
