"""Where tokens of a segment are to be shown: as written, or at the outermost macro use that made them."""

from __future__ import annotations

from kfunc_lsp.source.environment import Locations, Offset
from kfunc_lsp.source.expand import Token
from kfunc_lsp.unit.model import Span

Place = Locations | Offset
"""What the locations of a segment's tokens count from."""


def span_of(token: Token, place: Place) -> Span:
    """Where one token is to be shown."""
    text, origin, _, use = token
    if origin >= 0:
        return place.span(origin, origin + len(text))
    return place.span(use.location, use.location + len(use.macro.name)) if use else place.span(0, 0)


def range_of(tokens: list[Token], place: Place, start: int, end: int) -> Span | None:
    """Where tokens ``[start, end)`` are to be shown; ``None`` where they do not stand in order in one file."""
    first, last = span_of(tokens[start], place), span_of(tokens[end - 1], place)
    if first.file is not last.file or last.end < first.start:
        return None
    return Span(first.file, first.start, last.end)


def argument_span(tokens: list[Token], place: Place, start: int, end: int) -> Span | None:
    """Where an argument is written: what stands between the brackets or commas; ``None`` if a macro wrote these."""
    before = tokens[start - 1]
    after = tokens[end] if end < len(tokens) else tokens[end - 1]
    if start >= end or before[1] < 0 or after[1] < 0:
        return None
    first, last = span_of(before, place), span_of(after, place)
    if first.file is not last.file or last.start < first.end:
        return None
    text = first.file.text[first.end : last.start]
    lead = len(text) - len(text.lstrip())
    return Span(first.file, first.end + lead, first.end + max(len(text.rstrip()), lead))
