"""textDocument/codeAction: the fixes of the findings in a range.

What the client sends as diagnostics in the context is not looked at: some clients send others' or none.
"""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from kfunc_lsp.rules.model import Edit, Finding
from kfunc_lsp.server.diagnostics import of_finding
from kfunc_lsp.server.documents import Document, lines_of, uri_of
from kfunc_lsp.server.session import Session

KINDS = (types.CodeActionKind.QuickFix,)


def code_actions(session: Session, document: Document, params: types.CodeActionParams) -> list[types.CodeAction] | None:
    """The quick fixes of the findings that touch ``params.range``, safe ones first."""
    if not session.client.code_action_literals or not _wanted(params.context.only):
        return None
    start, end = document.lines.offset(params.range.start), document.lines.offset(params.range.end)
    findings = [
        finding
        for finding in session.analysis(document).findings
        if finding.fix is not None and _touches(finding, min(start, end), max(start, end))
    ]
    actions = [_action(session, document, finding) for finding in findings]
    unique = {(action.title, str(action.edit)): action for action in actions if action is not None}
    return sorted(unique.values(), key=lambda action: not action.is_preferred) or None


def _wanted(only: Iterable[types.CodeActionKind | str] | None) -> bool:
    """Whether quick fixes are among the kinds ``only``; a kind stands for all kinds below it."""
    if only is None:
        return True
    names = [kind.value if isinstance(kind, types.CodeActionKind) else kind for kind in only]
    return any(name in ("", types.CodeActionKind.QuickFix.value) for name in names)


def _touches(finding: Finding, start: int, end: int) -> bool:
    violation = finding.violation
    spans = [violation.span, *(mark.span for mark in violation.marks)]
    spans += [label.span for label in violation.related if label.span.file is violation.span.file]
    return any(span.start <= end and start <= span.end for span in spans)


def _action(session: Session, document: Document, finding: Finding) -> types.CodeAction | None:
    fix = finding.fix
    if fix is None:
        return None
    title = fix.title[:1].upper() + fix.title[1:]
    return types.CodeAction(
        title=title if fix.is_safe else f"{title} (look at it: {fix.caution})",
        kind=types.CodeActionKind.QuickFix,
        diagnostics=[of_finding(session, document, finding)],
        is_preferred=fix.is_safe,
        edit=_workspace_edit(session, document, fix.edits),
    )


def _workspace_edit(session: Session, document: Document, edits: Iterable[Edit]) -> types.WorkspaceEdit:
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
