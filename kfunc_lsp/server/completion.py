"""textDocument/completion and completionItem/resolve: the kfuncs that can be called, by prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lsprotocol import types

from kfunc_lsp.btf.types import FuncProto
from kfunc_lsp.describe import age, describe, signature
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction
from kfunc_lsp.server.cursor import Place, Word, place_at, word_at
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.render import markup
from kfunc_lsp.server.session import Session

_MOST = 400


@dataclass(frozen=True)
class _Candidate:
    """A kfunc on offer: as the newest kernel has it, and the names of the kernels without it."""

    function: KernelFunction
    missing: tuple[str, ...]
    superseded: bool


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
    return item


def _candidates(kernels: Sequence[Kernel]) -> Iterable[_Candidate]:
    """Every callable function of any kernel, newest kernel first where they differ, in order of name."""
    newest: dict[str, KernelFunction] = {}
    for kernel in sorted(kernels, key=age):
        newest.update((name, function) for name, function in kernel.functions.items() if function.callable)
    for name in sorted(newest):
        function = newest[name]
        missing = tuple(k.name for k in kernels if (f := k.get(name)) is None or not f.callable)
        plain = name.removesuffix("_impl")
        superseded = function.klass in (FunctionClass.LEGACY_IMPL, FunctionClass.PLAIN_IMPL) and all(
            (f := kernel.get(plain)) is not None and f.callable for kernel in kernels
        )
        yield _Candidate(function, missing, superseded)


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
        sort_text=("1" if candidate.superseded else "0") + function.name,
        filter_text=function.name,
        insert_text_format=types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText,
        text_edit=types.TextEdit(range=document.lines.range(word.start, word.end), new_text=text),
        data={"uri": document.uri, "name": function.name},
    )


def _kind(candidate: _Candidate) -> str:
    parts = ["kfunc"]
    if candidate.function.klass in (FunctionClass.IMPLICIT, FunctionClass.MAGIC):
        parts.append("implicit")
    if candidate.superseded:
        parts.append("older form")
    if candidate.missing:
        parts.append(f"not on {', '.join(candidate.missing)}")
    return " · ".join(parts)


def _names(proto: FuncProto) -> list[str]:
    return [param.name or f"arg{at}" for at, param in enumerate(proto.params, 1)]


def _snippet(function: KernelFunction) -> str:
    stops = [f"${{{at}:{name}}}" for at, name in enumerate(_names(function.prototype), 1)]
    return f"{function.name}({', '.join(stops)})$0"
