"""The texts that the client has open, and the edits that it sends.

Mirrors "Text Document Synchronization". pygls has a store of its own, which counts form feeds and U+2028 as line ends;
edits behind one of those would land on another line than in the editor.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.server.positions import Lines, encode
from kfunc_lsp.unit.model import SourceFile

if TYPE_CHECKING:
    from lsprotocol import types

_FILE = "file://"
_PLAIN = re.compile(r"(?:/[A-Za-z0-9_.~-]+)+")
"""A path that stands in a URI as it is. What pygls needs for any other takes longest to import of all in a session."""


@dataclass(frozen=True, eq=False)
class Document:
    """One state of an open text; every edit makes another. ``path`` is invented where the URI names no file."""

    uri: str
    version: int | None
    path: str
    lines: Lines

    @cached_property
    def file(self) -> SourceFile:
        """The text as the front end takes it."""
        return SourceFile(self.path, self.lines.text)

    @property
    def encoding(self) -> str:
        """In what the client counts positions."""
        return self.lines.encoding

    def edited(self, changes: Sequence[types.TextDocumentContentChangeEvent], version: int | None) -> Document:
        """The document after ``changes``, which apply one after the other."""
        lines = self.lines
        for change in changes:
            place = getattr(change, "range", None)
            text = encode(change.text)
            if place is not None:
                start, end = sorted((lines.offset(place.start), lines.offset(place.end)))
                lines = lines.edited(start, end, text)
            else:
                lines = Lines(text, self.encoding)
        return Document(self.uri, version, self.path, lines)


@lru_cache(maxsize=64)
def lines_of(file: SourceFile, encoding: str) -> Lines:
    """The lines of a file that is not open."""
    return Lines(file.text, encoding)


def path_of(uri: str, root: str) -> str:
    """The path of a document; one directly in ``root`` that no file has where the URI is of another scheme."""
    path = file_of(uri)
    if path:
        return path
    # The colon and the missing suffix keep it apart from any program; the folder gives it flags and headers.
    return f"{root.rstrip('/')}/:{uri.replace('/', '%2F')}"


def file_of(uri: str) -> str | None:
    """The path of the file that ``uri`` names, as pygls has it; ``None`` or empty where it names none."""
    if uri.startswith(_FILE) and os.sep == "/" and _PLAIN.fullmatch(uri, len(_FILE)):
        return uri[len(_FILE) :]
    from pygls.uris import to_fs_path

    return to_fs_path(uri)


def uri_of(path: str) -> str:
    """The URI of a file."""
    if _PLAIN.fullmatch(path):
        return _FILE + path
    from pygls.uris import from_fs_path

    return from_fs_path(path) or ""
