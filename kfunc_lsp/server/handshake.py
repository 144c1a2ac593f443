"""From the first byte to the answer of ``initialize``, before anything that takes long to import is needed.

Mirrors "Server lifecycle": before ``initialize`` requests are refused and notifications dropped, but for ``exit``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, BinaryIO

from kfunc_lsp.server.capabilities import initialized, member

_LENGTH = re.compile(rb"content-length:\s*(\d{1,9})\s*\Z", re.I)
_NOT_INITIALIZED = -32002
_INVALID_PARAMS = -32602


class Exit(Exception):
    """The client left before it said ``initialize``; ``code`` is the process's exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def handshake(incoming: BinaryIO, outgoing: BinaryIO) -> Mapping[str, Any]:
    """The parameters of ``initialize``, which has been answered. Raises ``Exit``."""
    while True:
        message = _read(incoming)
        method, id_ = member(message, "method"), member(message, "id")
        if method == "exit":
            raise Exit(1)
        if id_ is None:
            continue
        if method != "initialize":
            _write(outgoing, id_, error=(_NOT_INITIALIZED, "the first request must be `initialize`"))
            continue
        params = member(message, "params")
        if isinstance(params, Mapping):
            _write(outgoing, id_, result=initialized(member(params, "capabilities")))
            return params
        _write(outgoing, id_, error=(_INVALID_PARAMS, "the parameters of `initialize` must be an object"))


def _read(incoming: BinaryIO) -> object:
    """One message; ``None`` for one that is no JSON. Raises ``Exit`` at the end of input."""
    length = 0
    while True:
        line = incoming.readline()
        if not line:
            raise Exit(0)
        found = _LENGTH.match(line.rstrip())
        if found:
            length = int(found[1])
        elif not line.strip() and length:
            break
    try:
        return json.loads(incoming.read(length))
    except (ValueError, RecursionError):
        return None


def _write(outgoing: BinaryIO, id_: object, result: object = None, error: tuple[int, str] | None = None) -> None:
    message: dict[str, object] = {"jsonrpc": "2.0", "id": id_}
    if error is None:
        message["result"] = result
    else:
        message["error"] = {"code": error[0], "message": error[1]}
    body = json.dumps(message).encode()
    outgoing.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    outgoing.flush()
