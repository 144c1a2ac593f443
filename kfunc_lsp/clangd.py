"""clangd's ``.clangd`` file, as far as it changes compiler flags: ``If`` and ``CompileFlags``."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import SourceError
from kfunc_lsp.unit.model import SourceFile

_WITH_OPERAND = frozenset("-I -isystem -idirafter -iquote -D -U -include -std= -O -mcpu=".split())


@dataclass(frozen=True)
class Fragment:
    """One document of a ``.clangd``: what it does to the flags of the files that it is for.

    ``database`` is a folder with a compilation database, empty for "none is to be used", ``None`` for "as found".
    """

    folder: str
    matches: tuple[re.Pattern[str], ...]
    excludes: tuple[re.Pattern[str], ...]
    add: tuple[str, ...]
    remove: tuple[str, ...]
    database: str | None

    def concerns(self, path: str) -> bool:
        """Whether the fragment is for the file at ``path``: clangd's ``PathMatch`` and ``PathExclude``."""
        relative = os.path.relpath(path, self.folder)
        return (not self.matches or any(p.fullmatch(relative) for p in self.matches)) and not any(
            p.fullmatch(relative) for p in self.excludes
        )

    def apply(self, arguments: Sequence[str]) -> list[str]:
        """``arguments`` with this fragment's removals, then its additions."""
        kept = list(arguments)
        for pattern in self.remove:
            kept = list(_without(kept, pattern))
        return [*kept, *self.add]


def _without(arguments: Sequence[str], pattern: str) -> Iterable[str]:
    """clangd's ``Remove``: a flag with its operand, all that a trailing ``*`` covers, or one argument as it stands."""
    skip = False
    for argument in arguments:
        if skip:
            skip = False
        elif pattern in _WITH_OPERAND and argument.startswith(pattern):
            skip = argument == pattern and not pattern.endswith("=") and pattern != "-O"
        elif pattern.endswith("*") and argument.startswith(pattern[:-1]):
            continue
        elif argument != pattern:
            yield argument


def read_clangd(file: SourceFile) -> list[Fragment]:
    """The fragments of a ``.clangd``. Raises ``SourceError`` where it is no YAML that clangd would take."""
    import yaml

    def broken(why: str) -> SourceError:
        return SourceError(f"{file.path}: cannot be understood ({why}); correct or remove it")

    try:
        documents = list(yaml.safe_load_all(SourceFile.decode(file.text)))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise broken(" ".join(str(error).split())) from None
    folder = os.path.dirname(file.path)
    fragments = []
    for document in documents:
        if document is None:
            continue
        condition, flags = (_table(document, key, broken) for key in ("If", "CompileFlags"))
        try:
            matches, excludes = (
                tuple(re.compile(text) for text in _strings(condition, key, broken))
                for key in ("PathMatch", "PathExclude")
            )
        except re.error as error:
            raise broken(f"`{error.pattern!s}` is no regular expression") from None
        fragments.append(
            Fragment(
                folder,
                matches,
                excludes,
                _strings(flags, "Add", broken),
                _strings(flags, "Remove", broken),
                _database(flags, folder, broken),
            )
        )
    return fragments


_Broken = Callable[[str], SourceError]


def _table(document: object, key: str, broken: _Broken) -> dict[object, object]:
    value = document.get(key) if isinstance(document, dict) else document
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise broken(f"`{key}` must be a table")
    return value


def _strings(table: dict[object, object], key: str, broken: _Broken) -> tuple[str, ...]:
    value = table.get(key, [])
    items = value if isinstance(value, list) else [value]
    if not all(isinstance(item, str | int | float) for item in items):
        raise broken(f"`{key}` must be a list of strings")
    return tuple(str(item) for item in items)


def _database(flags: dict[object, object], folder: str, broken: _Broken) -> str | None:
    words = _strings(flags, "CompilationDatabase", broken)
    if words in ((), ("Ancestors",)):
        return None
    return "" if words == ("None",) else os.path.normpath(os.path.join(folder, words[0]))
