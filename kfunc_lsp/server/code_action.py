"""textDocument/codeAction: the fixes of the findings in a range, and comments that hide them.

What the client sends as diagnostics in the context is not looked at: some clients send others' or none.
"""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from kfunc_lsp.ignores import ignoring
from kfunc_lsp.rules.model import Edit, Finding, Fix
from kfunc_lsp.server.capabilities import FIX_ALL, QUICK_FIX, REWRITE
from kfunc_lsp.server.diagnostics import of_finding
from kfunc_lsp.server.documents import Document, lines_of, uri_of
from kfunc_lsp.server.guard import guarded
from kfunc_lsp.server.protocol import structured
from kfunc_lsp.server.session import Session
from kfunc_lsp.unit.model import Use

KINDS = (QUICK_FIX, REWRITE, FIX_ALL)
_ASKING = ("missing-kfunc", "unguarded-weak-call")
"""Rules whose findings a guard mends."""


def code_actions(session: Session, document: Document, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    """What can be done about ``params.range``: quick fixes, safe ones first and comments that hide the findings last; a
    guard; all safe fixes at once.
    """
    if not session.client.code_action_literals:
        return None
    wanted = [kind for kind in KINDS if _wanted(params.context.only, kind)]
    actions: list[types.CodeAction] = []
    if QUICK_FIX in wanted or REWRITE in wanted:
        fixes, ignores = _quick_fixes(session, document, params.range) if QUICK_FIX in wanted else ([], [])
        guards = [action for action in _guards(session, document, params.range) if action.kind in wanted]
        actions += [*fixes, *guards, *ignores]
    if FIX_ALL in wanted:
        actions += _all_safe(session, document)
    return actions or None


def _quick_fixes(
    session: Session, document: Document, place: types.Range
) -> tuple[list[types.CodeAction], list[types.CodeAction]]:
    """The fixes of the findings in a range, safe ones first, and the comments that hide those findings."""
    start, end = sorted((document.lines.offset(place.start), document.lines.offset(place.end)))
    analysis = session.analysis(document)
    findings = [f for f in analysis.findings if _touches(f, start, end)]
    fixes = [_action(session, document, f, f.fix) for f in findings if f.fix is not None]
    fixes.sort(key=lambda action: not action.is_preferred)
    here = [f for f in findings if f.span.start <= end and start <= f.span.end]
    ignores = [_action(session, document, f, fix) for f in here if (fix := ignoring(analysis.unit, f)) is not None]
    return _once(fixes), _once(ignores)


def _once(actions: Iterable[types.CodeAction]) -> list[types.CodeAction]:
    return list({(action.title, str(action.edit)): action for action in actions}.values())


def _all_safe(session: Session, document: Document) -> list[types.CodeAction]:
    """One action with the edits of every safe fix; of two that touch one place the first counts."""
    edits: dict[tuple[str, int, int], Edit] = {}
    for finding in session.analysis(document).findings:
        fix = finding.fix
        if fix is None or not fix.is_safe:
            continue
        mine = {(e.span.file.path, e.span.start, e.span.end): e for e in fix.edits}
        if all(edits.get(key) == e or not _overlaps(e, edits.values()) for key, e in mine.items()):
            edits.update(mine)
    if not edits:
        return []
    edit = workspace_edit(session, document, edits.values())
    return [types.CodeAction("Make all safe fixes of kfunc-lsp", kind=FIX_ALL, edit=edit)]


def _overlaps(edit: Edit, others: Iterable[Edit]) -> bool:
    span = edit.span
    return any(o.span.file is span.file and o.span.start <= span.end and span.start <= o.span.end for o in others)


def _guards(session: Session, document: Document, place: types.Range) -> list[types.CodeAction]:
    """The action that guards the call at the position, where some selected kernel lacks the kfunc.

    It is a quick fix where a finding says so at the call, else a refactoring.
    """
    start, end = document.lines.offset(place.start), document.lines.offset(place.end)
    analysis = session.analysis(document)
    for use in analysis.unit.uses:
        if use.span.file is document.file and use.span.start <= end and start <= use.span.end:
            edits = guarded(analysis.unit, use, analysis.selection)
            if edits is not None:
                asking = [f for f in analysis.findings if _asks_for_guard(f, use)]
                action = types.CodeAction(
                    f"Call `{use.name}` only where the kernel has it",
                    kind=types.CodeActionKind(QUICK_FIX if asking else REWRITE),
                    edit=workspace_edit(session, document, edits),
                )
                if asking:
                    action.diagnostics = [
                        structured(of_finding(session, document, f), types.Diagnostic) for f in asking
                    ]
                return [action]
    return []


def _asks_for_guard(finding: Finding, use: Use) -> bool:
    return finding.rule.name in _ASKING and finding.violation.subject == use.name


def _wanted(only: Iterable[types.CodeActionKind | str] | None, kind: str) -> bool:
    """Whether ``kind`` is among the kinds ``only``; a kind stands for all kinds below it.

    What acts on a whole file is given to those alone who ask for it.
    """
    if only is None:
        return kind != FIX_ALL
    name = getattr(kind, "value", kind)
    asked = [getattr(kind, "value", kind) for kind in only]
    return any(not one or name == one or name.startswith(f"{one}.") for one in asked)


def _touches(finding: Finding, start: int, end: int) -> bool:
    violation = finding.violation
    spans = [violation.span, *(mark.span for mark in violation.marks)]
    spans += [label.span for label in violation.related if label.span.file is violation.span.file]
    return any(span.start <= end and start <= span.end for span in spans)


def _action(session: Session, document: Document, finding: Finding, fix: Fix) -> types.CodeAction:
    title = fix.title[:1].upper() + fix.title[1:]
    return types.CodeAction(
        title=title if fix.is_safe else f"{title} (look at it: {fix.caution})",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[structured(of_finding(session, document, finding), types.Diagnostic)],
        is_preferred=fix.is_safe and fix is finding.fix,
        edit=workspace_edit(session, document, fix.edits),
    )


def workspace_edit(session: Session, document: Document, edits: Iterable[Edit]) -> types.WorkspaceEdit:
    """Edits as the client takes them."""
    by_path: dict[str, list[types.TextEdit]] = {}
    lines = {document.path: document.lines}
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        path = edit.span.file.path
        table = lines.setdefault(path, lines_of(edit.span.file, document.encoding))
        text = edit.text.encode("latin-1").decode("utf-8", "replace")
        by_path.setdefault(path, []).append(
            types.TextEdit(range=table.range(edit.span.start, edit.span.end), new_text=text)
        )
    if not session.client.document_changes:
        return types.WorkspaceEdit(changes={_uri(session, document, path)[0]: found for path, found in by_path.items()})
    changes = []
    for path, found in by_path.items():
        uri, version = _uri(session, document, path)
        changes.append(
            types.TextDocumentEdit(
                text_document=types.OptionalVersionedTextDocumentIdentifier(uri=uri, version=version), edits=list(found)
            )
        )
    return types.WorkspaceEdit(document_changes=changes)


def _uri(session: Session, document: Document, path: str) -> tuple[str, int | None]:
    """The URI by which the client knows a file, and its version where it is open."""
    if path == document.path:
        return document.uri, document.version
    for other in list(session.documents.values()):
        if other.path == path:
            return other.uri, other.version
    return uri_of(path), None
