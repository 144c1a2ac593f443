"""What is kept between readings: headers by path, what an ``#include`` did, what a piece of a program was read as.

Every entry is keyed by all that its value depends on, so a reading with a warm cache gives exactly what a cold one
gives. Shared by all programs of a project.
"""

from __future__ import annotations

import posixpath
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar, cast

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.source.headers import Files, Header, IncludePaths

_V = TypeVar("_V")
_MOST_INCLUDES = 400
_MOST_PROGRAMS = 24
_MOST_STATEMENTS = 2000


class Recent(Generic[_V]):
    """A mapping that keeps the entries used most recently."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[Hashable, _V] = OrderedDict()

    def get(self, key: Hashable) -> _V | None:
        """The value of ``key``, which then counts as used."""
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: Hashable, value: _V) -> None:
        """Keep ``value``, and drop what was not used for longest."""
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)


@dataclass
class HeaderCache:
    """Headers by path; a file that changed is read anew (its ``SourceFile`` is another).

    ``includes`` and ``programs`` hold what ``preprocess`` keeps there: see ``IncludeResult`` and ``Program``.
    """

    files: Files
    includes: Recent[object] = field(default_factory=lambda: Recent(_MOST_INCLUDES))
    programs: Recent[object] = field(default_factory=lambda: Recent(_MOST_PROGRAMS))
    _statements: Recent[object] = field(default_factory=lambda: Recent(_MOST_STATEMENTS))
    _headers: dict[str, Header] = field(default_factory=dict)

    def statement(self, key: Hashable, read: Callable[[], _V]) -> _V:
        """What ``read`` makes of a statement of a large header, kept under ``key``."""
        known = self._statements.get(key)
        if known is None:
            known = read()
            self._statements.put(key, known)
        return cast(_V, known)

    def load(self, path: str) -> Header | None:
        """The header at ``path``, or ``None``."""
        file = self.files.read(path)
        if file is None:
            return None
        header = self._headers.get(path)
        if header is None or header.file is not file:
            header = self._headers[path] = Header(file)
        return header

    def find(
        self, name: str, quoted: bool, includer: str, paths: IncludePaths, sought: dict[str, bool], after: str = ""
    ) -> Header | None:
        """The header that ``#include`` of ``name`` in file ``includer`` means (``after``: start behind that folder).

        Where it was looked for is added to ``sought``, with whether it was there.
        """
        folders = [posixpath.dirname(includer), *paths.quote] if quoted else []
        folders += paths.folders
        if after in folders:
            folders = folders[folders.index(after) + 1 :]
        if posixpath.isabs(name):
            folders = ["/"]
        for folder in folders:
            path = posixpath.normpath(posixpath.join(folder, name))
            header = self.load(path)
            sought[path] = header is not None
            if header is not None:
                return header
        return None
