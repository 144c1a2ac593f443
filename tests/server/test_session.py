"""What the session keeps, and what it leaves."""

from __future__ import annotations

import gc
from pathlib import Path

from lsprotocol import types

from kfunc_lsp.server.client import Client
from kfunc_lsp.server.session import Session

PROGRAMS = sorted(Path(__file__).parents[1].glob("rules/*/*.bpf.c"))[::12]


def test_a_check_leaves_no_garbage() -> None:
    """What only a collection finds grows while a person types, and a collection takes longer than a key may."""
    session = Session(Client(), "utf-8", ["/nowhere"], {"kernels": ["7.3", "6.18"]}, lambda _: None, lambda _: None)

    def type_(uri: str, version: int, text: str) -> None:
        document = types.VersionedTextDocumentIdentifier(version, uri)
        whole = types.TextDocumentContentChangeWholeDocument(text)
        session.change(types.DidChangeTextDocumentParams(document, [whole]))
        session.analysis(session.documents[uri])

    left: dict[str, int] = {}
    for program in PROGRAMS:
        uri, text = program.as_uri(), program.read_text()
        session.open(uri, 1, text)
        session.analysis(session.documents[uri])
        gc.collect()
        gc.freeze()
        gc.disable()
        try:
            type_(uri, 2, text.replace("\n}", "\n\tx\n}"))
            type_(uri, 3, f"#define TYPED 1\n{text}")
            left[program.name] = gc.collect()
        finally:
            gc.enable()
            gc.unfreeze()
    assert not {name: count for name, count in left.items() if count}
