"""Which header of the project declares a kfunc, for a program that does not include it yet."""

from __future__ import annotations

import os
import re

from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.session import Session

_MOST_HEADERS = 400
_LARGEST = 1 << 20
"""Bytes of a header that somebody may have written; what is larger was generated, and is included on purpose."""


def declaring_header(session: Session, document: Document, name: str) -> str:
    """The header with an extern of ``name`` in ``.ksyms``, as ``#include`` finds it; empty for none.

    Headers beside the program and in the folders of its ``-I`` are looked at, where those are the client's.
    """
    declared = re.compile(rf"\b{re.escape(name)}\s*\([^;{{}}]*\)[^;{{}}]*\b(?:__ksym|\.ksyms)\b")
    known = session.analysis(document).unit.files
    looked = 0
    for folder in session.own_folders(document):
        for header in _headers(folder):
            path = os.path.join(folder, header)
            looked += 1
            if looked > _MOST_HEADERS:
                return ""
            if path in known:
                continue
            file = session.project(document).disk.read(path)
            if file is not None and name in file.text and declared.search(file.text):
                return header
    return ""


def _headers(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            headers = (e for e in entries if e.name.endswith(".h") and e.is_file())
            return sorted(entry.name for entry in headers if entry.stat().st_size <= _LARGEST)
    except OSError:
        return []
