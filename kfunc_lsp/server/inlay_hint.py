"""textDocument/inlayHint: behind a call, what the verifier passes itself and what the kfunc's flags ask.

Names of parameters are clangd's to show. Off unless ``inlay-hints`` is set.
"""

from __future__ import annotations

import os

from lsprotocol import types

from kfunc_lsp.describe import newest
from kfunc_lsp.kernel import flags
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.rules.edits import call_span
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.session import Session
from kfunc_lsp.unit.model import UseKind

_FACTS = {
    flags.KF_ACQUIRE: "acquires",
    flags.KF_RELEASE: "releases",
    flags.KF_RET_NULL: "may be NULL",
    flags.KF_SLEEPABLE: "may sleep",
    flags.KF_RCU_PROTECTED: "under RCU",
}


def inlay_hints(session: Session, document: Document, params: types.InlayHintParams) -> list[types.InlayHint] | None:
    """The hints of the calls in the range."""
    if not session.config(os.path.dirname(document.path)).inlay_hints:
        return None
    analysis = session.analysis(document)
    first, last = document.lines.offset(params.range.start), document.lines.offset(params.range.end)
    found = []
    for use in analysis.unit.uses:
        if use.kind is not UseKind.CALL or use.macro or use.span.file is not document.file:
            continue
        if not first <= use.span.start <= last:
            continue
        known = newest(analysis.selection.loader.target(use.name), analysis.selection.kernels)
        span = call_span(use)
        label = _label(known[1]) if known and span else ""
        if label and span:
            place = document.lines.position(span.end)
            found.append(types.InlayHint(place, label, padding_left=True))
    return found or None


def _label(function: KernelFunction) -> str:
    words = [words for flag, words in _FACTS.items() if (function.flags or 0) & flag]
    if function.implicit:
        names = ", ".join(param.name or "one more" for param in function.implicit)
        words.append(f"+ {names} by the verifier")
    return " · ".join(words)
