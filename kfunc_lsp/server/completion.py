"""textDocument/completion and completionItem/resolve: the kfuncs that can be called, by prefix.

Those that no program around the cursor may call come last. What the program does not declare brings its extern along,
or the header of the project that has it, when it is resolved: that costs too much for a list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any

from lsprotocol import types

from kfunc_lsp.btf.types import FuncProto
from kfunc_lsp.dataclass import NamedTuple, dataclass, field
from kfunc_lsp.describe import age, describe, is_superseded, newest, signature
from kfunc_lsp.kernel.hooks import allowed
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction
from kfunc_lsp.rules.edits import extern_statement, insertion
from kfunc_lsp.server.around import Program, programs_around
from kfunc_lsp.server.capabilities import member
from kfunc_lsp.server.client import Client
from kfunc_lsp.server.cursor import Place, place_at, word_at
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.include import declaring_header
from kfunc_lsp.server.pipes import Json
from kfunc_lsp.server.render import markup
from kfunc_lsp.server.session import Session

_MOST = 400


@dataclass(frozen=True)
class _Candidate:
    """A kfunc on offer: as the newest kernel has it, and the names of the kernels without it."""

    function: KernelFunction
    missing: tuple[str, ...]
    superseded: bool


class _Offer(NamedTuple):
    """The JSON of an item but for its end, and that of the text that it writes: the same while a person types."""

    item: str
    text: str


@dataclass(frozen=True, eq=False)
class _Offers:
    """What is on offer at a place in ``programs``; ``called`` is whether a ``(`` follows.

    Each offer is made once, when somebody asks for it.
    """

    kernels: tuple[Kernel, ...]
    programs: tuple[Program, ...]
    client: Client
    place: Place
    called: bool
    _made: dict[str, _Offer] = field(default_factory=dict)

    def of(self, prefix: str) -> list[_Offer]:
        """The offers whose names begin with ``prefix``, which is in small letters."""
        found = []
        for candidate in _candidates(self.kernels):
            name = candidate.function.name
            if name.lower().startswith(prefix):
                if name not in self._made:
                    self._made[name] = self._offer(candidate)
                found.append(self._made[name])
        return found

    @cached_property
    def _newest(self) -> Kernel:
        return max(self.kernels, key=age)

    def _offer(self, candidate: _Candidate) -> _Offer:
        function = candidate.function
        denied = _denied(self._newest, function.name, self.programs) if self.programs else ""
        text, is_snippet = function.name, False
        if self.place is Place.EXTERN:
            weak = "__weak " if candidate.missing else ""
            text = f"{signature(function.name, function.prototype).text} {weak}__ksym;"
        elif self.place is Place.CALL and self.client.snippets and not self.called:
            text, is_snippet = _snippet(function), True
        item = json.dumps(_item(self.client, candidate, denied, is_snippet)).removesuffix("}")
        return _Offer(item, json.dumps(text))


def completion(session: Session, document: Document, params: types.CompletionParams) -> Json | None:
    """The kfuncs of the selected kernels that begin with the identifier before the cursor: a ``CompletionList``."""
    word = word_at(document, document.lines.offset(params.position))
    by_hand = params.context is None or params.context.trigger_kind == types.CompletionTriggerKind.Invoked
    if not word.prefix and not by_hand:
        return None
    place = place_at(document, word)
    if place is Place.NOWHERE:
        return None
    programs = tuple(programs_around(session, document, word.start))
    called = document.file.text[word.end : word.end + 1] == "("
    offers = _offers(session.selection(document).kernels, programs, session.client, place, called)
    found = offers.of(word.prefix.lower())
    start, end = document.lines.place(word.start), document.lines.place(word.end)
    place_json = json.dumps({"start": start, "end": end})
    data = json.dumps({"uri": document.uri, "declares": place in (Place.CALL, Place.NAME)})
    items = ", ".join(
        f'{offer.item}, "textEdit": {{"range": {place_json}, "newText": {offer.text}}}, "data": {data}}}'
        for offer in found[:_MOST]
    )
    return Json(f'{{"isIncomplete": {json.dumps(len(found) > _MOST)}, "items": [{items}]}}')


def resolve(session: Session, item: types.CompletionItem) -> types.CompletionItem:
    """``item`` with its documentation."""
    document = session.documents.get(str(member(item.data, "uri")))
    if document is None:
        return item
    selection = session.selection(document)
    description = describe(item.label, selection.kernels, selection.loader)
    if description is not None:
        item.detail = description.forms[0].signature.text
        content = markup(description, session.client.documentation_markdown)
        item.documentation = content if session.client.documentation_formats else content.value
    if member(item.data, "declares") and session.client.late_edits:
        item.additional_text_edits = _declaration(session, document, item.label)
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


_offers = lru_cache(maxsize=16)(_Offers)


def _denied(kernel: Kernel, name: str, programs: Sequence[Program]) -> str:
    """Why none of ``programs`` may call ``name`` on ``kernel``; empty where one may."""
    function = kernel.get(name)
    if function is None:
        return ""
    first = ""
    for program in programs:
        words = _refused(kernel, function, program)
        if not words:
            return ""
        first = first or words
    return first


def _refused(kernel: Kernel, function: KernelFunction, program: Program) -> str:
    answer = allowed(kernel, function, program.caller)
    if answer.is_denied:
        return f"not for {program.words}"
    return "sleepable programs only" if answer.needs_sleepable and not program.section.sleepable else ""


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
        found.append(_Candidate(function, missing, is_superseded(function, kernels)))
    return tuple(found)


def _item(client: Client, candidate: _Candidate, denied: str, is_snippet: bool) -> dict[str, Any]:
    name = candidate.function.name
    arguments = f"({', '.join(_names(candidate.function.prototype))})"
    kind = _kind(candidate, denied)
    item: dict[str, Any] = {
        "label": name,
        "kind": types.CompletionItemKind.Function.value,
        "sortText": f"{bool(denied) + 0}{candidate.superseded + 0}{name}",
        "filterText": name,
        "insertTextFormat": (types.InsertTextFormat.Snippet if is_snippet else types.InsertTextFormat.PlainText).value,
    }
    if client.label_details:
        item["labelDetails"] = {"detail": arguments, "description": kind}
    else:
        item["detail"] = f"{arguments} {kind}"
    if candidate.superseded and client.deprecated_tag:
        item["tags"] = [types.CompletionItemTag.Deprecated.value]
    elif candidate.superseded and client.deprecated_flag:
        item["deprecated"] = True
    return item


def _kind(candidate: _Candidate, denied: str) -> str:
    parts = ["kfunc"]
    if candidate.function.klass in (FunctionClass.IMPLICIT, FunctionClass.MAGIC):
        parts.append("implicit")
    if candidate.superseded:
        parts.append("older form")
    if candidate.function.module:
        parts.append(f"module {candidate.function.module}")
    if denied:
        parts.append(denied)
    if candidate.missing:
        parts.append(f"not on {', '.join(candidate.missing)}")
    return " · ".join(parts)


def _names(proto: FuncProto) -> list[str]:
    return [param.name or f"arg{at}" for at, param in enumerate(proto.params, 1)]


def _snippet(function: KernelFunction) -> str:
    stops = [f"${{{at}:{name}}}" for at, name in enumerate(_names(function.prototype), 1)]
    return f"{function.name}({', '.join(stops)})$0"
