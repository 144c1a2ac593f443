"""What a server owes to whoever starts it: it leaves in time, listens to nobody else, and tells nobody's secrets."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from tests.server.editor import COMMAND, ENVIRONMENT, PATIENCE
from tests.server.test_lifecycle import INITIALIZE, Raw, _hover, _item

pytestmark = pytest.mark.asyncio(loop_scope="session")

HASTY = [
    sys.executable,
    "-c",
    "from kfunc_lsp.server import pipes, serve; pipes._LAST_WORDS = 0.1; raise SystemExit(serve())",
]
"""A server that gives its last words little time, and a test too."""


async def test_the_end_of_the_clients_process_ends_the_server() -> None:
    client = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)
    raw = await Raw.start(HASTY)
    await raw.ask("initialize", {**INITIALIZE, "processId": client.pid}, 1)
    raw.send("textDocument/didOpen", {"textDocument": _item("untitled:a", "int bpf_wq_init;")})
    assert (await raw.ask("textDocument/hover", _hover("untitled:a"), 2))["result"]
    client.kill()
    await client.wait()
    assert await raw.exit_code() == 1


@pytest.mark.parametrize(
    ("params", "leaving", "code"),
    [
        ({"capabilities": []}, [], 0),
        ({"capabilities": {"general": {"positionEncodings": ["utf-7", 5, "utf-8"]}}, "processId": "x"}, ["exit"], 1),
        ({"capabilities": {"textDocument": 1}, "rootUri": 5, "workspaceFolders": {"a": 1}}, ["shutdown", "exit"], 0),
    ],
)
async def test_a_client_that_does_not_keep_to_the_protocol_is_served(
    params: dict[str, object], leaving: list[str], code: int
) -> None:
    """Each leaves in a way of its own: at the end of input, and by ``exit`` without and behind ``shutdown``."""
    raw = await Raw.start()
    assert (await raw.ask("initialize", params, 1))["result"]["capabilities"]["hoverProvider"]
    raw.send("textDocument/didOpen", {"textDocument": _item("untitled:a", "int bpf_wq_init;")})
    assert (await raw.ask("textDocument/hover", _hover("untitled:a"), 2))["result"]
    for method in leaving:
        raw.send(method, None, 3 if method == "shutdown" else None)
    if not leaving:
        raw.stdin.close()
    assert await raw.exit_code() == code


async def test_a_client_that_never_reads_can_still_leave() -> None:
    requests: list[tuple[str, object, int | None]] = [("initialize", INITIALIZE, 1)]
    requests += [("textDocument/didOpen", {"textDocument": _item("untitled:a", "int bpf_")}, None)]
    requests += [("textDocument/completion", _hover("untitled:a"), number) for number in range(2, 12)]
    with subprocess.Popen(HASTY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENVIRONMENT) as process:
        assert process.stdin is not None
        for method, params, id_ in [*requests, ("exit", None, None)]:
            message = {"jsonrpc": "2.0", "method": method, "params": params, **({"id": id_} if id_ else {})}
            body = json.dumps(message).encode()
            process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        process.stdin.flush()
        assert await asyncio.to_thread(process.wait, PATIENCE) == 1


async def test_tcp_is_on_the_loopback_device_for_one_client() -> None:
    raw = await Raw.start([*COMMAND, "--tcp", "0"])
    assert raw.process.stderr is not None
    line = (await raw.process.stderr.readline()).decode()
    host, _, port = line.removeprefix("listening on ").strip().partition(":")
    assert host == "127.0.0.1"
    reader, writer = await asyncio.open_connection(host, int(port))
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}).encode()
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    assert (await reader.readline()).startswith(b"Content-Length: ")
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(host, int(port))
    writer.close()
    assert await raw.exit_code() == 0
