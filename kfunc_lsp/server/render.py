"""Descriptions as Markdown or plain text: the last step before an answer leaves.

Mirrors "MarkupContent".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lsprotocol import types

from kfunc_lsp.describe import Description, Form

SUPPLIED = "the verifier passes this"
_FLAGS_UNKNOWN = "unknown: this kernel's source holds types alone (give a vmlinux image, or a bundled kernel)"
_SPECIAL = re.compile(r"([\\*<\[\]])|(?<!\w)(_)|(_)(?!\w)")


def markup(description: Description, markdown: bool) -> types.MarkupContent:
    """The whole description, for hover and for a completion's documentation."""
    blocks = _markdown(description) if markdown else _plain(description)
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.MarkupContent(kind=kind, value="\n\n".join(blocks))


def words(text: str, markdown: bool) -> types.MarkupContent:
    """A sentence in which backticks are code."""
    if markdown:
        return types.MarkupContent(kind=types.MarkupKind.Markdown, value=_escaped(text))
    return types.MarkupContent(kind=types.MarkupKind.PlainText, value=text.replace("`", ""))


def _markdown(description: Description) -> Iterator[str]:
    yield f"**`{description.written}`** · " + _escaped(_headline(description))
    if description.advice:
        yield f"**{_capital(description.advice)}**"
    yield f"```c\n{_code(description)}\n```"
    lines = list(_facts(description))
    if lines:
        # Two blanks break the line and keep it one paragraph: every client shows that.
        yield "  \n".join(map(_escaped, lines))


def _plain(description: Description) -> Iterator[str]:
    yield f"{description.written} · {_headline(description)}"
    if description.advice:
        yield _capital(description.advice).replace("`", "")
    yield _code(description)
    lines = list(_facts(description))
    if lines:
        yield "\n".join(line.replace("`", "") for line in lines)


def _headline(description: Description) -> str:
    flavor = f" · binds to `{description.name}`" if description.written != description.name else ""
    return f"{description.klass}{flavor} · {description.kernel}"


def _code(description: Description) -> str:
    return "\n\n".join(map(_form, description.forms))


def _form(form: Form) -> str:
    text = form.signature.declaration(SUPPLIED)
    return f"// {form.purpose}\n{text}" if form.purpose else text


def _facts(description: Description) -> Iterator[str]:
    for note in description.notes:
        yield f"`{note.name}`: {note.words}"
    if description.has_flags:
        if description.flags is None:
            yield f"Flags: {_FLAGS_UNKNOWN}"
        elif not description.flags:
            yield "Flags: none"
        else:
            yield "Flags: " + " · ".join(f"`{flag.name}` {flag.meaning}" for flag in description.flags)
    for standing in description.standings:
        yield f"{', '.join(standing.kernels)}: {standing.words}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _escaped(text: str) -> str:
    """Markdown that shows ``text`` as it is, but for pieces between backticks, which are code."""
    pieces = text.split("`")
    pieces[::2] = [_SPECIAL.sub(lambda match: "\\" + match.group(), piece) for piece in pieces[::2]]
    return "`".join(pieces)
