"""The beginning of a session: who the client is, and the first document that it opens.

That document is checked before what takes long to import is there, and its diagnostics are sent. What else the client
has said meanwhile is put back, for the server proper.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from kfunc_lsp.server.capabilities import encoding, member
from kfunc_lsp.server.client import Client
from kfunc_lsp.server.diagnostics import PUBLISH, of_analysis, publication, report
from kfunc_lsp.server.documents import file_of
from kfunc_lsp.server.handshake import read_message
from kfunc_lsp.server.pipes import Incoming, Outgoing
from kfunc_lsp.server.session import Session

WARNING, INFO = 2, 3
"""``MessageType``."""
_SOON = 0.3
"""Seconds within which a client that has a document open says so."""


def begin(params: Mapping[str, Any], outgoing: Outgoing) -> Session:
    """The session that the parameters of ``initialize`` describe. What does not keep to the protocol does not count."""

    def show(text: str) -> None:
        outgoing.notify("window/showMessage", {"type": WARNING, "message": f"kfunc-lsp: {text}"})

    def note(text: str) -> None:
        outgoing.notify("window/logMessage", {"type": INFO, "message": text})

    client = params.get("capabilities")
    options = params.get("initializationOptions")
    return Session(Client.of(client), encoding(client), _roots(params), options, show, note)


def _roots(params: Mapping[str, Any]) -> list[str]:
    """The folders that the client works in; the current one where it says none."""
    folders = params.get("workspaceFolders")
    uris = [params.get("rootUri"), *(member(f, "uri") for f in (folders if isinstance(folders, list) else ()))]
    paths = [path for uri in uris if isinstance(uri, str) and (path := file_of(uri))]
    root = params.get("rootPath")
    return list(dict.fromkeys(paths)) or [root if isinstance(root, str) and root else os.getcwd()]


def open_first(session: Session, incoming: Incoming, outgoing: Outgoing) -> None:
    """Check the first document if the client opens one at once, and send its diagnostics, or answer who asks for them.

    A fault of ours is left to the server, which meets it again and tells of it. Raises ``Exit`` at the end of input.
    """
    later = b""
    while incoming.is_there(_SOON):
        data, message = read_message(incoming)
        method, id_ = member(message, "method"), member(message, "id")
        document = member(message, "params", "textDocument")
        uri, version, text = (member(document, name) for name in ("uri", "version", "text"))
        if method == "textDocument/didOpen" and isinstance(text, str) and not session.documents:
            try:
                session.open(uri, version, text)
                if session.client.pulls_diagnostics:
                    continue
                found = of_analysis(session, session.analysis(session.documents[uri]))
            except Exception:
                session.close(uri)
                later += data
            else:
                outgoing.notify(PUBLISH, publication(uri, version, found))
            break
        if method == "textDocument/diagnostic" and uri in session.documents:
            try:
                outgoing.send({"id": id_, "result": report(session, session.documents[uri])})
            except Exception:
                later += data
            break
        later += data
        if method != "initialized" and (id_ is None or method == "shutdown"):
            break
    incoming.put_back(later)
