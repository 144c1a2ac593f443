"""Messages as no editor sends them, and many: no crash, no lost answer, and the text that the client has."""

from __future__ import annotations

import asyncio
import random

import pytest
from lsprotocol import types

from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.positions import Lines
from tests.server.editor import IMPL_CALLED
from tests.server.test_lifecycle import Raw

MESSAGES = 20_000
PIECES = (
    "x",
    "bpf_",
    "\n",
    "é𝄞✓",
    "/*",
    "*/",
    '"',
    "}\n",
    "{",
    "#if 0\n",
    "#endif\n",
    "",
    "(",
    "\r\n",
    "\r",
    ";\u2028",
)
METHODS = (
    "hover", "completion", "signatureHelp", "definition", "declaration", "references", "documentHighlight",
    "documentSymbol", "codeLens", "inlayHint", "codeAction", "nonsense",
)  # fmt: skip
URIS = ("untitled:a", "file:///nowhere/b.bpf.c", "file:///nowhere/c.bpf.h", "git:/d?x", "")


def _place(dice: random.Random) -> dict[str, int]:
    return {"line": dice.choice((0, 3, 9, 12, 10_000)), "character": dice.choice((0, 1, 7, 20, 100_000))}


def _change(dice: random.Random) -> dict[str, object]:
    piece = dice.choice(PIECES)
    if dice.random() < 0.05:
        return {"text": IMPL_CALLED * 40 if dice.random() < 0.02 else dice.choice((IMPL_CALLED, piece))}
    return {"range": {"start": _place(dice), "end": _place(dice)}, "text": piece}


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="session")
async def test_every_request_of_many_messages_is_answered_once() -> None:
    dice = random.Random(20_000)
    raw = await Raw.start()
    await raw.ask("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, 1)
    raw.send("initialized", {})
    asked, last = [0], MESSAGES
    answered: dict[int, int] = {}

    async def listen() -> None:
        async for message in raw.messages():
            if "method" not in message:
                answered[message["id"]] = answered.get(message["id"], 0) + 1
                assert message.get("error", {}).get("code") != types.ErrorCodes.InternalError, message
                if last in answered and answered.keys() >= set(asked[1:]):
                    return

    listening = asyncio.ensure_future(listen())
    for number in range(2, MESSAGES):
        uri = dice.choice(URIS)
        document = {"uri": uri, "version": number}
        match dice.randrange(12):
            case 0:
                item = {"uri": uri, "languageId": "c", "version": number, "text": IMPL_CALLED}
                raw.send("textDocument/didOpen", {"textDocument": item})
            case 1 if dice.random() < 0.2:
                raw.send("textDocument/didClose", {"textDocument": document})
            case 1 | 2 | 3 | 4 | 5:
                changes = [_change(dice) for _ in range(dice.randrange(3))]
                raw.send("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
            case 6 if asked[-1]:
                raw.send("$/cancelRequest", {"id": dice.choice(asked[-5:])})
            case 7 if dice.random() < 0.2:
                raw.send("textDocument/didChange", dice.choice(({}, [], {"textDocument": 5}, None)))
            case _:
                params = {"textDocument": document, "position": _place(dice), "context": {"diagnostics": []}}
                params["range"] = {"start": _place(dice), "end": _place(dice)}
                raw.send(f"textDocument/{dice.choice(METHODS)}", params, number)
                asked.append(number)
        await raw.stdin.drain()
    raw.send("shutdown", None, last)
    await asyncio.wait_for(listening, 600)
    assert set(answered) - {last} == set(asked[1:])
    assert set(answered.values()) == {1}
    raw.send("exit", None)
    assert raw.process.stderr is not None
    await raw.process.stderr.read()
    assert await raw.exit_code() == 0


def _offset(text: str, position: types.Position, width: int) -> int:
    """The client's own counting: lines end at CR LF, LF or CR; a column beyond the line is its end."""
    start = 0
    for _ in range(position.line):
        ends = [(text.find(end, start), len(end)) for end in ("\r\n", "\n", "\r") if text.find(end, start) >= 0]
        if not ends:
            return len(text)
        at, length = min(ends, key=lambda pair: (pair[0], -pair[1]))
        start = at + length
    units = 0
    while start < len(text) and text[start] not in "\r\n":
        units += {8: len(text[start].encode()), 16: len(text[start].encode("utf-16-le")) // 2, 32: 1}[width]
        if units > position.character:
            break
        start += 1
    return start


@pytest.mark.parametrize(("encoding", "width"), [("utf-8", 8), ("utf-16", 16), ("utf-32", 32)])
def test_the_text_is_the_clients(encoding: str, width: int) -> None:
    dice = random.Random(encoding)
    document = Document("untitled:a", 1, "/a", Lines("", encoding))
    text = ""
    for _ in range(600):
        change = _change(dice)
        place = change.get("range")
        if isinstance(place, dict) and len(text) < 20_000:
            start, end = (types.Position(dice.randrange(30), dice.randrange(12)) for _ in range(2))
            typed = str(change["text"])
            event = types.TextDocumentContentChangePartial(types.Range(start, end), typed)
            first, last = sorted((_offset(text, start, width), _offset(text, end, width)))
            text = text[:first] + typed + text[last:]
            document = document.edited([event], 1)
        else:
            text = IMPL_CALLED
            document = document.edited([types.TextDocumentContentChangeWholeDocument(text)], 1)
        assert document.file.text.encode("latin-1").decode() == text
        whole = Lines(document.file.text, encoding)
        assert [document.lines.bounds(line) for line in range(30)] == [whole.bounds(line) for line in range(30)]
