"""Lines that fit a terminal."""

from __future__ import annotations


def folded(text: str, columns: int | None, indent: str = "", further: str = "  ") -> list[str]:
    """``text`` as lines of at most ``columns`` (``None``: one line), all after ``indent``, later ones also ``further``.

    Words are kept whole.
    """
    if columns is None or len(indent) + len(text) <= columns:
        return [(indent + text).rstrip()]
    import textwrap

    return textwrap.wrap(
        text,
        columns,
        initial_indent=indent,
        subsequent_indent=indent + further,
        break_long_words=False,
        break_on_hyphens=False,
    )
