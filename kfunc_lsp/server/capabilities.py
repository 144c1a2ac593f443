"""What the server can do, as the answer to ``initialize`` says it. Mirrors "Server Capabilities".

Plain JSON, so that the answer waits for no import.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kfunc_lsp import __version__

FIX_ALL = "source.fixAll.kfunc-lsp"
QUICK_FIX = "quickfix"
REWRITE = "refactor.rewrite"
TOKEN_MODIFIERS = ("declaration", "deprecated", "weak", "absent", "implicit")
"""Of the protocol: where it is declared, and older forms that no selected kernel needs. Of our own: weak externs,
kfuncs that a selected kernel lacks, and those with arguments that the verifier supplies.
"""
_ENCODINGS = ("utf-8", "utf-16", "utf-32")
UTF16 = "utf-16"
_INCREMENTAL = 2


def member(value: object, *path: str) -> Any:
    """What stands in nested JSON objects under ``path``; ``None`` where nothing does."""
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def encoding(client: object) -> str:
    """The first encoding of positions that the client prefers and that is known; UTF-16 is always allowed."""
    offered = member(client, "general", "positionEncodings")
    return next((e for e in offered if e in _ENCODINGS), UTF16) if isinstance(offered, list) else UTF16


def pulls(client: object) -> bool:
    """Whether diagnostics are to be pulled.

    A client that pulls but cannot be told to pull again would show what was known at its first request, so it is
    pushed to.
    """
    refreshes = member(client, "workspace", "diagnostics", "refreshSupport")
    return member(client, "textDocument", "diagnostic") is not None and refreshes is True


def initialized(client: object) -> dict[str, Any]:
    """The answer to ``initialize`` for a client with these capabilities (JSON as it came)."""
    offered: dict[str, Any] = {
        "positionEncoding": encoding(client),
        "textDocumentSync": {"openClose": True, "change": _INCREMENTAL, "save": {"includeText": False}},
        "hoverProvider": True,
        "completionProvider": {"resolveProvider": True, "completionItem": {"labelDetailsSupport": True}},
        "signatureHelpProvider": {"triggerCharacters": ["(", ","], "retriggerCharacters": [")"]},
        "definitionProvider": True,
        "declarationProvider": True,
        "referencesProvider": True,
        "documentHighlightProvider": True,
        "documentSymbolProvider": {"label": "kfuncs"},
        "workspaceSymbolProvider": True,
        "codeLensProvider": {"resolveProvider": False},
        "inlayHintProvider": {"resolveProvider": False},
        "codeActionProvider": {"codeActionKinds": [QUICK_FIX, REWRITE, FIX_ALL]},
        "workspace": {"workspaceFolders": {"supported": True, "changeNotifications": True}},
    }
    if pulls(client):
        offered["diagnosticProvider"] = {
            "identifier": "kfunc-lsp",
            "interFileDependencies": True,
            "workspaceDiagnostics": False,
        }
    if member(client, "textDocument", "semanticTokens", "requests", "full"):
        legend = {"tokenTypes": ["function"], "tokenModifiers": list(TOKEN_MODIFIERS)}
        offered["semanticTokensProvider"] = {"legend": legend, "full": True}
    return {"capabilities": offered, "serverInfo": {"name": "kfunc-lsp", "version": __version__}}
