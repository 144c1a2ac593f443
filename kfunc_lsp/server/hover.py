"""textDocument/hover: what the kernels say of what is under the cursor.

A function, with or without a flavor; a macro that calls one; the name of a parameter in a declaration; a guard; the
name of a section, of a program, or of the member of a struct_ops map that takes one. What stands there is told from the
text and from the last analysis, so that no hover waits for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lsprotocol import types

from kfunc_lsp.describe import describe
from kfunc_lsp.kernel.annotations import annotation
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.fleet import listed
from kfunc_lsp.rules.load import Load
from kfunc_lsp.server.allowance import at_name, at_section
from kfunc_lsp.server.around import program_of
from kfunc_lsp.server.cursor import Word, word_at
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.render import markup, words
from kfunc_lsp.server.session import Session
from kfunc_lsp.server.settings import Selection
from kfunc_lsp.unit.model import Function

_SECTION = re.compile(r'\b(?:SEC|section)\s*\(\s*"([^"\n]*)"')
_DATA = ("license", "version", "maps")
"""Sections that hold no code."""
_EXISTS = "bpf_ksym_exists"
_ASKED = re.compile(r"\s*\(\s*&?\s*(\w+)")
_WORD = re.compile(r"\w+")
_HEAD = re.compile(r"[^;{}]*\{")
"""From a function's ``SEC`` to its body."""
_MEMBER = re.compile(r"\s*=\s*(?:\([^()]*\)\s*)?&?\s*(\w+)")
"""What an initialiser gives to a member, a cast before it."""


def hover(session: Session, document: Document, params: types.HoverParams) -> types.Hover | None:
    """What is known of the position; ``None`` where nothing there is ours."""
    offset = document.lines.offset(params.position)
    markdown = session.client.hover_markdown
    section = _section_at(document, offset)
    if section is not None:
        start, end, name = section
        text = _of_section(session, document, end, name)
        return types.Hover(words(text, markdown), document.lines.range(start, end)) if text else None
    word = word_at(document, offset)
    content = _of_word(session, document, word) if word.text else None
    return types.Hover(content, document.lines.range(word.start, word.end)) if content else None


def _of_word(session: Session, document: Document, word: Word) -> types.MarkupContent | None:
    selection = session.selection(document)
    markdown = session.client.hover_markdown
    if word.text == _EXISTS:
        asked = _ASKED.match(document.file.text, word.end)
        text = _guard(session, document, asked[1], selection) if asked else ""
        return words(text, markdown) if text else None
    description = describe(word.text, selection.kernels, selection.loader)
    if description is not None:
        content = markup(description, markdown)
        guard = _guard(session, document, word.text, selection) if _is_asked(document, word) else ""
        return _joined(content, words(guard, markdown)) if guard else content
    text = _annotation(document, word)
    if text:
        return words(f"`{word.text}`: {text}", markdown)
    text = _of_program(session, document, word)
    if text:
        return words(text, markdown)
    analysis = session.last(document)
    names = {use.name for use in analysis.unit.uses if use.macro == word.text} if analysis else ()
    contents = [
        _joined(words(f"Macro `{word.text}` calls `{name}`.", markdown), markup(found, markdown))
        for name in sorted(names)
        if (found := describe(name, selection.kernels, selection.loader)) is not None
    ]
    return _joined(*contents) if contents else None


def _joined(*contents: types.MarkupContent) -> types.MarkupContent:
    return types.MarkupContent(contents[0].kind, "\n\n".join(content.value for content in contents))


def _section_at(document: Document, offset: int) -> tuple[int, int, str] | None:
    """The string of the ``SEC`` around ``offset``: where it begins and ends, and what it holds."""
    text = document.file.text
    start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
    for match in _SECTION.finditer(text, start, end if end >= 0 else len(text)):
        if match.start() <= offset <= match.end():
            return match.start(1), match.end(1), match[1]
    return None


def _of_section(session: Session, document: Document, end: int, name: str) -> str:
    """Which kfuncs the program may call that the section's string, which ends at ``end``, stands before."""
    if name.startswith(".") or name in _DATA:
        return ""
    functions = _functions(session, document)
    text = document.file.text
    head = _HEAD.match(text, end)
    defined = next((word for word in _WORD.findall(text, end, head.end()) if word in functions), "") if head else ""
    program = program_of(name, functions.get(defined))
    if program is None:
        return f'libbpf makes no program of `SEC("{name}")`'
    return at_section(name, program, session.selection(document).kernels)


def _of_program(session: Session, document: Document, word: Word) -> str:
    """What the program is that is defined here, or that stands in a struct_ops map, at its name or at the member's."""
    text = document.file.text
    functions = _functions(session, document)
    given = _MEMBER.match(text, word.end) if text[: word.start].endswith(".") else None
    name = given[1] if given else word.text
    function = functions.get(name)
    program = program_of(function.section, function) if function is not None and function.section else None
    if function is None or program is None:
        return ""
    return at_name(name, function.section, program, session.selection(document).kernels)


def _functions(session: Session, document: Document) -> Mapping[str, Function]:
    last = session.last(document)
    return last.unit.functions if last is not None else {}


def _is_asked(document: Document, word: Word) -> bool:
    """Whether a name stands where its existence is asked: in a condition, and not called."""
    text = document.file.text
    after = text[word.end : word.end + 80].lstrip()[:1]
    before = text[max(word.start - 80, 0) : word.start].rstrip()
    return after in (")", "&", "|", "?") and before.endswith(("(", "!", "&&", "||", "&"))


def _guard(session: Session, document: Document, name: str, selection: Selection) -> str:
    """On which kernels the ksym ``name`` is there for this program."""
    analysis = session.last(document)
    kernels, loader = selection.kernels, selection.loader
    holds: list[str] = []
    fails: list[str] = []
    for kernel in kernels:
        if analysis is not None and analysis.unit.declaration(name) is not None:
            is_there = Load.alone(analysis.unit, kernel, loader).resolution(name).outcome is Outcome.RESOLVED
        else:
            function = kernel.get(loader.target(name))
            is_there = function is not None and function.callable
        (holds if is_there else fails).append(kernel.name)
    if not kernels:
        return ""
    if not fails:
        return f"The guard on `{name}` holds on all of {listed(holds)}."
    if not holds:
        return f"The guard on `{name}` never holds on {listed(fails)}."
    return f"The guard on `{name}` holds on {listed(holds)}, not on {listed(fails)}."


def _annotation(document: Document, word: Word) -> str:
    """What the name of a parameter tells the verifier, where it stands in a declaration."""
    text = document.file.text
    start = max(text.rfind(sign, 0, word.start) for sign in (";", "{", "}")) + 1
    statement = text[start : word.start]
    is_declared = re.search(r"\bextern\b", statement) is not None and "(" in statement
    return (annotation(word.text) or "") if is_declared else ""
