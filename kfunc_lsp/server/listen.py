"""A client over TCP: one, on the loopback device alone."""

from __future__ import annotations

import os
import socket
import sys
from typing import BinaryIO, cast

_HOST = "127.0.0.1"


def accept(port: int) -> tuple[BinaryIO, BinaryIO]:
    """The two directions of the first connection to ``port``; 0 is any, and standard error tells which.

    Raises ``OSError`` with the address as its file where the port cannot be had.
    """
    try:
        listening = socket.create_server((_HOST, port))
    except OSError as error:
        raise OSError(error.errno, os.strerror(error.errno or 0), f"{_HOST}:{port}") from None
    with listening:
        print(f"listening on {_HOST}:{listening.getsockname()[1]}", file=sys.stderr, flush=True)
        connection, _ = listening.accept()
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection.makefile("rb"), cast(BinaryIO, connection.makefile("wb"))
