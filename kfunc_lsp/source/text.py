"""C text to tokens: comments and line splices blanked, offsets kept.

All text is bytes decoded as latin-1 (see ``unit.model``). Blanking keeps every offset: a comment becomes as many
spaces, its newlines included, so that a directive goes on behind it; lines are counted on the raw text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import accumulate

_IDENT = r"[A-Za-z_$\x80-\xff][A-Za-z0-9_$\x80-\xff]*"
_STRING = r'(?:u8|[uUL])?"[^"\\\n]*(?:\\[^\n][^"\\\n]*)*"?'
_CHAR = r"(?:u8|[uUL])?'[^'\\\n]*(?:\\[^\n][^'\\\n]*)*'?"
_NUMBER = r"\.?[0-9](?:[eEpP][+-]|[A-Za-z0-9_.])*"
_PUNCTUATOR = r"<<=|>>=|\.\.\.|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&^|]=|\#\#|[^\s]"

IDENTIFIER = re.compile(_IDENT)
# What is frequent is tried first; "+" makes the match possessive, or `L"…"` would give parts. White space is matched
# with the token before it, as a search that has to get over it tries everything at each character.
_TOKEN = re.compile(rf"({_IDENT}+(?![\"'])|[;,(){{}}]|{_STRING}|{_CHAR}|{_IDENT}|{_NUMBER}|{_PUNCTUATOR})(\s*)")
# A line may be continued behind the backslash of an escape too.
_ESCAPE = r"\\(?:(?:\\\r?\n)+[^\r\n]?|\r\n|[^\r]|\r)"
# Of a comment of the other kind only how it begins: its end is found faster by search.
_BLANK = re.compile(
    r"//[^\n\\]*(?:\\(?:\r?\n)?[^\n\\]*)*|"
    r"/\*|"
    rf'"[^"\\\n]*(?:{_ESCAPE}[^"\\\n]*)*"?|'
    rf"'(?<![0-9A-Za-z]')[^'\\\n]*(?:{_ESCAPE}[^'\\\n]*)*'?|"
    r"\\\r?\n"
)
_BETWEEN = "\n}"
_BYTE_ORDER_MARK = "\xef\xbb\xbf"
_ANOTHER_COMMENT = re.compile(r"\n(?:[^\n]*\s)?/\*\s")
_DIRECTIVE = re.compile(r"#[ \t\v\f]*([A-Za-z_]\w*)?([^\n]*)")

_DIGITS = "0123456789"
_WORDS_ALONE = "".join(sign if sign.isalnum() or sign in "_$" else " " for sign in map(chr, range(0x80)))

Lexeme = tuple[str, int]
"""A token's text and its byte offset."""


def blank(text: str) -> str:
    """``text`` with comments and backslash-newlines as spaces; every offset stays where it was.

    A comment that was opened and not closed, so that it swallows the next comment (or the rest of the file), is one
    that is just being typed: it ends with its line.
    """
    return _blank(text)[0]


def blank_parts(text: str, known: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """What ``blank`` gives for ``text``, and what it gives for each of the parts between ``}`` in the first column.

    ``known`` are such parts of an earlier state of the text. Where something goes on behind its part, all is blanked at
    once, and no part is known.
    """
    written = text.split(_BETWEEN)
    parts: dict[str, str] = {}
    for part in written:
        blanked = known.get(part)
        if blanked is None:
            blanked, is_whole = _blank(part)
            if not is_whole:
                return blank(text), {}
        parts[part] = blanked
    return _BETWEEN.join(map(parts.__getitem__, written)), parts


def _blank(text: str) -> tuple[str, bool]:
    """What ``blank`` gives, and whether it would be the same within a larger text."""
    parts = []
    at = 0
    is_whole = not text.endswith(("\\", "\\\r"))
    if text.startswith(_BYTE_ORDER_MARK):
        is_whole = False
        parts.append(" " * len(_BYTE_ORDER_MARK))
        at = len(_BYTE_ORDER_MARK)
    while match := _BLANK.search(text, at):
        found = match.group()
        start, end = match.span()
        parts.append(text[at:start])
        if found[0] in "\"'":
            parts.append(found.replace("\\\r\n", "   ").replace("\\\n", "  ") if "\n" in found else found)
        else:
            if found == "/*":
                end, is_closed = _comment(text, start)
                is_whole = is_whole and is_closed
            parts.append(" " * (end - start))
        at = end
    parts.append(text[at:])
    return "".join(parts), is_whole


def _comment(text: str, start: int) -> tuple[int, bool]:
    """Where the comment ends that begins with the ``/*`` at ``start``, and whether it is closed.

    One that was not meant to reach so far ends with its line.
    """
    inside = start + len("/*")
    closing = text.find("*/", inside)
    end = len(text) if closing < 0 else closing + len("*/")
    has_another = text.find("/*", inside, end) >= 0 and _ANOTHER_COMMENT.search(text, inside, end) is not None
    if closing < 0 or has_another:
        line = text.find("\n", inside, end)
        end = end if line < 0 else line
    return end, closing >= 0


def comments(text: str) -> Iterator[tuple[int, int]]:
    """Where each comment of ``text`` begins and ends, as ``blank`` takes them."""
    at = 0
    while match := _BLANK.search(text, at):
        start, at = match.span()
        if match.group() == "/*":
            at, _ = _comment(text, start)
        if text[start] == "/":
            yield start, at


def lex(blanked: str, start: int = 0, end: int | None = None) -> list[Lexeme]:
    """Tokens of blanked text between two offsets."""
    return list(zip(*lexed(blanked, start, end), strict=True))


def lexed(blanked: str, start: int, end: int | None) -> tuple[list[str], list[int]]:
    """The texts and the offsets of what ``lex`` gives."""
    parts = _TOKEN.split(blanked[start:end])
    texts = parts[1::3]
    return texts, list(accumulate(map(len, parts), initial=start))[1 : 3 * len(texts) : 3]


def directives(blanked: str) -> list[tuple[int, int, str, str, int]]:
    """Preprocessor directives of blanked text: (start, end, name, rest of the line, offset of the rest)."""
    found = []
    for match in _DIRECTIVE.finditer(blanked):
        start = match.start()
        if start and blanked[start - 1] != "\n":
            start = blanked.rfind("\n", 0, start) + 1
        if start == match.start() or not blanked[start : match.start()].strip(" \t\v\f\r"):
            found.append((start, match.end(), match.group(1) or "", match.group(2), match.start(2)))
    return found


def identifiers(blanked: str) -> frozenset[str]:
    """All that ``IDENTIFIER`` finds."""
    if not blanked.isascii():
        return frozenset(IDENTIFIER.findall(blanked))
    words = set(blanked.translate(_WORDS_ALONE).split())
    numbers = {word for word in words if word[0] in _DIGITS}
    words -= numbers
    words.update(word.lstrip(_DIGITS) for word in numbers)
    words.discard("")
    return frozenset(words)


def is_identifier(text: str) -> bool:
    """Whether a token is an identifier or keyword."""
    first = text[0]
    return (first.isalpha() or first in "_$" or first >= "\x80") and text[-1] not in "\"'"
