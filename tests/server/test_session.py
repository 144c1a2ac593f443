"""What the session keeps, and what it leaves."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path

from lsprotocol import types

from kfunc_lsp.rules.evidence import Memory
from kfunc_lsp.server.client import Client
from kfunc_lsp.server.session import Session

PROGRAMS = sorted(Path(__file__).parents[1].glob("rules/*/*.bpf.c"))[::12]


LEAK = """
struct task_struct {};
extern struct task_struct *bpf_task_from_pid(int pid) __attribute__((section(".ksyms")));
__attribute__((section("syscall"))) int ____p(void *ctx) { return bpf_task_from_pid(1) != 0; }
"""


def test_a_configuration_that_is_being_typed_leaves_what_it_said(tmp_path: Path) -> None:
    said: list[str] = []
    session = Session(Client(), "utf-8", [str(tmp_path)], None, said.append, said.append)
    uri = (tmp_path / "p.bpf.c").as_uri()
    session.open(uri, 1, LEAK)
    file = tmp_path / "kfunc-lsp.toml"
    for text in ('kernels = ["7.0"]\n', 'kernels = ["7.0"\n'):
        file.write_text(text)
        session.refresh(databases=False)
        analysis = session.analysis(session.documents[uri])
        assert [kernel.name for kernel in analysis.selection.kernels] == ["7.0"]
    assert len(said) == 1
    assert said[0].startswith(f"{file}:")
    assert said[0].endswith("What it said before counts. Checking against: 7.0.")


def memories() -> int:
    gc.collect()
    return sum(isinstance(each, Memory) for each in gc.get_objects())


def test_what_a_closed_document_was_judged_by_is_let_go(tmp_path: Path) -> None:
    before = memories()
    session = Session(Client(), "utf-8", [str(tmp_path)], {"kernels": ["7.3"]}, lambda _: None, lambda _: None)
    uri = (tmp_path / "p.bpf.c").as_uri()
    session.open(uri, 1, LEAK)
    document = session.documents[uri]
    session.analysis(document)
    kept = weakref.ref(session.analysis(document).unit)
    session.close(uri)
    assert session.analysis(document).findings
    del document
    gc.collect()
    assert kept() is None
    assert memories() == before


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
