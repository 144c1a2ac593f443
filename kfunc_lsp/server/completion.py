"""textDocument/completion and completionItem/resolve: the kfuncs that can be called, by prefix.

Those that no program around the cursor may call come last. What the program does not declare brings its extern along,
or the header of the project that has it, when it is resolved: that costs too much for a list.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from lsprotocol import types

from kfunc_lsp.btf.types import FuncProto
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.describe import age, describe, newest, signature
from kfunc_lsp.kernel.hooks import allowed
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction
from kfunc_lsp.rules.edits import extern_statement, insertion
from kfunc_lsp.server.around import Program, programs_around
from kfunc_lsp.server.cursor import Place, Word, place_at, word_at
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.include import declaring_header
from kfunc_lsp.server.render import markup
from kfunc_lsp.server.session import Session

_MOST = 400


@dataclass(frozen=True)
class _Candidate:
    """A kfunc on offer: as the newest kernel has it, and the names of the kernels without it."""

    function: KernelFunction
    missing: tuple[str, ...]
    superseded: bool
    denied: str = ""


def completion(session: Session, document: Document, params: types.CompletionParams) -> types.CompletionList | None:
    """The kfuncs of the selected kernels that begin with the identifier before the cursor."""
    word = word_at(document, document.lines.offset(params.position))
    by_hand = params.context is None or params.context.trigger_kind == types.CompletionTriggerKind.Invoked
    if not word.prefix and not by_hand:
        return None
    place = place_at(document, word)
    if place is Place.NOWHERE:
        return None
    kernels = session.selection(document).kernels
    prefix = word.prefix.lower()
    found = [c for c in _candidates(kernels) if c.function.name.lower().startswith(prefix)]
    programs = programs_around(session, document, word.start)
    if programs and kernels:
        found = _ranked(found, max(kernels, key=age), programs)
    called = document.file.text[word.end : word.end + 1] == "("
    snippets = session.client.snippets and not called
    items = [_item(session, document, word, place, snippets, candidate) for candidate in found[:_MOST]]
    return types.CompletionList(is_incomplete=len(found) > _MOST, items=items)


def resolve(session: Session, item: types.CompletionItem) -> types.CompletionItem:
    """``item`` with its documentation."""
    data = item.data
    uri, name = (data.get("uri"), data.get("name")) if isinstance(data, dict) else (None, None)
    document = session.documents.get(str(uri))
    if document is None or not isinstance(name, str):
        return item
    description = describe(name, session.selection(document).kernels)
    if description is not None:
        item.detail = description.forms[0].signature.text
        content = markup(description, session.client.documentation_markdown)
        item.documentation = content if session.client.documentation_formats else content.value
    if isinstance(data, dict) and data.get("declares") and session.client.late_edits:
        item.additional_text_edits = _declaration(session, document, name)
    return item


def _declaration(session: Session, document: Document, name: str) -> list[types.TextEdit] | None:
    """The edit that declares ``name`` behind the includes: by a header of the project that does, else by an extern.

    ``None`` where the program has it, or there is no place.
    """
    kernels = session.selection(document).kernels
    unit = session.analysis(document).unit
    found = newest(name, kernels)
    if found is None or name in unit.declarations or name in unit.macros:
        return None
    is_weak = any((f := kernel.get(name)) is None or not f.callable for kernel in kernels)
    header = declaring_header(session, document, name)
    statement = f'#include "{header}"' if header else extern_statement(unit, name, found[1], is_weak)
    edit = insertion(unit, statement)
    if edit is None:
        return None
    return [types.TextEdit(document.lines.range(edit.span.start, edit.span.end), edit.text)]


def _ranked(found: list[_Candidate], kernel: Kernel, programs: Sequence[Program]) -> list[_Candidate]:
    """The candidates, those marked that none of ``programs`` may call on ``kernel``."""

    def refused(function: KernelFunction, program: Program) -> str:
        answer = allowed(kernel, function, program.section.caller(program.struct_ops, program.operation))
        if answer.is_denied:
            return f"not for {program.words}"
        return "sleepable programs only" if answer.needs_sleepable and not program.section.sleepable else ""

    def denied(candidate: _Candidate) -> str:
        function = kernel.get(candidate.function.name)
        words = "" if function is None else refused(function, programs[0])
        return words if words and function and all(refused(function, one) for one in programs[1:]) else ""

    return [replace(candidate, denied=denied(candidate)) for candidate in found]


@lru_cache(maxsize=4)
def _candidates(kernels: tuple[Kernel, ...]) -> tuple[_Candidate, ...]:
    """Every callable function of any kernel, newest kernel first where they differ, in order of name."""
    newest: dict[str, KernelFunction] = {}
    for kernel in sorted(kernels, key=age):
        newest.update((name, function) for name, function in kernel.functions.items() if function.callable)
    found = []
    for name in sorted(newest):
        function = newest[name]
        missing = tuple(k.name for k in kernels if (f := k.get(name)) is None or not f.callable)
        plain = name.removesuffix("_impl")
        superseded = function.klass in (FunctionClass.LEGACY_IMPL, FunctionClass.PLAIN_IMPL) and all(
            (f := kernel.get(plain)) is not None and f.callable for kernel in kernels
        )
        found.append(_Candidate(function, missing, superseded))
    return tuple(found)


def _item(
    session: Session, document: Document, word: Word, place: Place, snippets: bool, candidate: _Candidate
) -> types.CompletionItem:
    client, function = session.client, candidate.function
    arguments = f"({', '.join(_names(function.prototype))})"
    kind = _kind(candidate)
    text, is_snippet = function.name, False
    if place is Place.EXTERN:
        weak = "__weak " if candidate.missing else ""
        text = f"{signature(function.name, function.prototype).text} {weak}__ksym;"
    elif place is Place.CALL and snippets:
        text, is_snippet = _snippet(function), True
    details = types.CompletionItemLabelDetails(detail=arguments, description=kind) if client.label_details else None
    return types.CompletionItem(
        label=function.name,
        label_details=details,
        kind=types.CompletionItemKind.Function,
        detail=None if client.label_details else f"{arguments} {kind}",
        tags=[types.CompletionItemTag.Deprecated] if candidate.superseded and client.deprecated_tag else None,
        deprecated=True if candidate.superseded and client.deprecated_flag and not client.deprecated_tag else None,
        sort_text=f"{bool(candidate.denied) + 0}{candidate.superseded + 0}{function.name}",
        filter_text=function.name,
        insert_text_format=types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(range=document.lines.range(word.start, word.end), new_text=text),
        data={"uri": document.uri, "name": function.name, "declares": place in (Place.CALL, Place.NAME)},
    )


def _kind(candidate: _Candidate) -> str:
    parts = ["kfunc"]
    if candidate.function.klass in (FunctionClass.IMPLICIT, FunctionClass.MAGIC):
        parts.append("implicit")
    if candidate.superseded:
        parts.append("older form")
    if candidate.function.module:
        parts.append(f"module {candidate.function.module}")
    if candidate.denied:
        parts.append(candidate.denied)
    if candidate.missing:
        parts.append(f"not on {', '.join(candidate.missing)}")
    return " · ".join(parts)


def _names(proto: FuncProto) -> list[str]:
    return [param.name or f"arg{at}" for at, param in enumerate(proto.params, 1)]


def _snippet(function: KernelFunction) -> str:
    stops = [f"${{{at}:{name}}}" for at, name in enumerate(_names(function.prototype), 1)]
    return f"{function.name}({', '.join(stops)})$0"
