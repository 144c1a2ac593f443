"""From the first byte to the answer of ``initialize``, before anything that takes long to import is needed.

Mirrors "Server lifecycle": before ``initialize`` requests are refused and notifications dropped, but for ``exit``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from kfunc_lsp.server.capabilities import initialized, member
from kfunc_lsp.server.pipes import Incoming, Outgoing

_LENGTH = re.compile(rb"content-length:\s*(\d{1,9})\s*\Z", re.I)
_NOT_INITIALIZED = -32002
_INVALID_PARAMS = -32602


class Exit(Exception):
    """The client left before it said ``initialize``; ``code`` is the process's exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def handshake(incoming: Incoming, outgoing: Outgoing) -> Mapping[str, Any]:
    """The parameters of ``initialize``, which has been answered. Raises ``Exit``."""
    while True:
        _, message = read_message(incoming)
        method, id_ = member(message, "method"), member(message, "id")
        if method == "exit":
            raise Exit(1)
        if id_ is None:
            continue
        if method != "initialize":
            early = "the first request must be `initialize`"
            outgoing.send({"id": id_, "error": {"code": _NOT_INITIALIZED, "message": early}})
            continue
        params = member(message, "params")
        if isinstance(params, Mapping):
            outgoing.send({"id": id_, "result": initialized(member(params, "capabilities"))})
            return params
        wrong = "the parameters of `initialize` must be an object"
        outgoing.send({"id": id_, "error": {"code": _INVALID_PARAMS, "message": wrong}})


def read_message(incoming: Incoming) -> tuple[bytes, object]:
    """The next message as bytes, and as JSON: ``None`` for one that is none. Raises ``Exit`` at the end of input."""
    length, head = 0, b""
    while True:
        line = incoming.readline()
        if not line:
            raise Exit(0)
        head += line
        found = _LENGTH.match(line.rstrip())
        if found:
            length = int(found[1])
        elif not line.strip() and length:
            break
    body = incoming.read(length)
    try:
        return head + body, json.loads(body)
    except (ValueError, RecursionError):
        return head + body, None
