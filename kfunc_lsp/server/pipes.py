"""The client's end of things: a pipe that it may not read, and its process, which may die."""

from __future__ import annotations

import json
import os
import queue
import select
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import BinaryIO

_MOST_UNREAD = 64 << 20
"""Bytes that may wait for a client that does not read; one that lets more wait is given up."""
_AT_ONCE = 1 << 16
_ROOM = 1 << 20
"""Bytes that a pipe may hold without privileges."""
_LAST_WORDS = 2.0
"""Seconds that the last messages have to get out."""


class Json(str):
    """JSON text, of what is written sooner than it is encoded."""


def framed(message: Mapping[str, object]) -> bytes:
    """A message as it goes over the pipe."""
    members = (
        f'"{name}": {value if isinstance(value, Json) else json.dumps(value)}' for name, value in message.items()
    )
    body = f'{{"jsonrpc": "2.0", {", ".join(members)}}}'.encode()
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class Incoming:
    """What the client writes, as bytes. What has arrived can be looked at before it is read."""

    def __init__(self, stream: BinaryIO) -> None:
        self.file = stream.fileno()
        self.arrived = b""

    def readline(self) -> bytes:
        """The next line with its end; what is left at the end of input."""
        while b"\n" not in self.arrived and self.more():
            pass
        return self.read(self.arrived.find(b"\n") + 1 or len(self.arrived))

    def read(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer at the end of input."""
        while len(self.arrived) < count and self.more():
            pass
        found, self.arrived = self.arrived[:count], self.arrived[count:]
        return found

    def put_back(self, data: bytes) -> None:
        """Let ``data`` be what is read next."""
        self.arrived = data + self.arrived

    def is_there(self, seconds: float) -> bool:
        """Whether something can be read within ``seconds``; False where that cannot be told."""
        try:
            return bool(self.arrived or select.select([self.file], [], [], seconds)[0])
        except (OSError, ValueError):
            return False

    def more(self) -> bool:
        """Wait for what arrives next; False at the end of input."""
        data = os.read(self.file, _AT_ONCE)
        self.arrived += data
        return bool(data)


class Outgoing:
    """Writes to the client from a thread of its own, so that a client that does not read holds nothing up.

    With ``is_logged`` all that is sent goes to the log.
    """

    def __init__(self, stream: BinaryIO, is_logged: bool = False) -> None:
        self._stream = stream
        self._is_logged = is_logged
        # What fits is written at once, and waits for no turn between its pieces. Linux only, and pipes only.
        with suppress(ImportError, AttributeError, OSError):
            import fcntl

            fcntl.fcntl(stream.fileno(), fcntl.F_SETPIPE_SZ, _ROOM)
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._unread = 0
        self._thread = threading.Thread(target=self._run, daemon=True, name="kfunc-lsp writer")
        self._thread.start()

    def send(self, message: Mapping[str, object]) -> None:
        """Send a message; any thread may do so."""
        if self._is_logged:
            import logging

            logging.getLogger("kfunc_lsp").debug("sent %s", message)
        self.write(framed(message))

    def notify(self, method: str, params: object) -> None:
        """Send a notification."""
        self.send({"method": method, "params": params})

    def write(self, data: bytes) -> None:
        """Send ``data``, now or later."""
        self._unread += len(data)
        if self._unread > _MOST_UNREAD:
            import logging

            logging.getLogger("kfunc_lsp").error("the client has not read %d MB; leaving", self._unread >> 20)
            os._exit(1)
        self._waiting.put(data)

    def close(self) -> None:
        """Wait, not for long, until all is written."""
        self._waiting.put(None)
        self._thread.join(_LAST_WORDS)

    def _run(self) -> None:
        is_open = True
        while (data := self._waiting.get()) is not None:
            try:
                # Not through the stream's buffer: its lock, held by a write that never ends, would hold up the exit.
                rest = memoryview(data) if is_open else memoryview(b"")
                while rest:
                    rest = rest[os.write(self._stream.fileno(), rest) :]
            except (OSError, ValueError):
                # The end of its input follows, or its process is watched.
                is_open = False
            self._unread -= len(data)


def leave_with(process: int) -> None:
    """End this process when ``process`` ends. Without effect where it is not seen, as in another container."""
    try:
        handle = os.pidfd_open(process)
    except (OSError, AttributeError, OverflowError):
        return

    def watch() -> None:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.poll()
        # What was the end of input for us may still be read: a short while for leaving in good order.
        time.sleep(_LAST_WORDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="kfunc-lsp client").start()
