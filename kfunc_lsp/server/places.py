"""Where the name of a kfunc stands: in a unit, and in what the kernel has.

Names count as the loader counts them: ``bpf_foo___v2`` is a name of its own in the program, and ``bpf_foo`` for the
kernel.
"""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.describe import looked_up, newest
from kfunc_lsp.server.cursor import word_at
from kfunc_lsp.server.documents import Document, lines_of, uri_of
from kfunc_lsp.server.session import Analysis, Session
from kfunc_lsp.unit.model import Span


@dataclass(frozen=True, slots=True)
class Place:
    """One place where a name stands."""

    span: Span
    is_declaration: bool


def name_at(session: Session, document: Document, position: types.Position) -> str:
    """The kfunc whose name, or whose use by a macro, stands at ``position``; empty for none, or what is not ours."""
    offset = document.lines.offset(position)
    word = word_at(document, offset)
    analysis = session.analysis(document)
    unit = analysis.unit
    if not word.text or word.text in unit.functions:
        return ""
    if any(d.ksym for d in unit.declarations.get(word.text, ())) or in_kernel(analysis, word.text):
        return word.text
    for use in unit.uses:
        if use.macro == word.text and use.span.file is document.file and use.span.start <= offset <= use.span.end:
            return use.name
    return ""


def in_kernel(analysis: Analysis, name: str) -> bool:
    """Whether a selected kernel has a function of this name, with or without its flavor."""
    kernels = analysis.selection.kernels
    return newest(looked_up(name, kernels, analysis.selection.loader), kernels) is not None


def places(analysis: Analysis, name: str) -> Iterator[Place]:
    """Where ``name`` stands in the unit of ``analysis``, headers included, declarations first."""
    unit = analysis.unit
    seen: set[tuple[str, int]] = set()
    for declaration in unit.declarations.get(name, ()):
        yield Place(declaration.name_span, True)
    for use in unit.uses_by_name.get(name, ()):
        key = (use.span.file.path, use.span.start)
        if key not in seen:
            seen.add(key)
            yield Place(use.span, False)


def location(session: Session, span: Span) -> types.Location:
    """A place for the client, by the URI that it knows."""
    for document in list(session.documents.values()):
        if document.path == span.file.path:
            return types.Location(document.uri, lines_of(span.file, session.encoding).range(span.start, span.end))
    lines = lines_of(span.file, session.encoding)
    return types.Location(uri_of(span.file.path), lines.range(span.start, span.end))
