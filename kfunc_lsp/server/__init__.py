"""The language server: LSP over standard input and output. All knowledge of kfuncs comes from the other packages."""

from __future__ import annotations

import gc
import sys
from typing import BinaryIO

COLLECTION = (20_000, 2, 1_000)
"""Thresholds of the garbage collector. A check leaves none; what lives long is looked through in a rest, hardly ever
else."""
_SWITCH = 0.0002
"""Seconds after which a check makes way for a request."""


def serve(port: int | None = None, log_file: str = "", log_level: str = "warning") -> int:
    """Serve one client, over standard input and output or over TCP on ``port`` of the loopback device.

    Returns when it says ``exit`` or closes its end: 1 on ``exit`` without ``shutdown``. Raises ``OSError`` where the
    log file or the port cannot be had.
    """
    # Looking for garbage would take a third of the time of all imports. The first rest has time for it (``Server``).
    gc.disable()
    is_verbose = log_level == "debug"
    if log_file or is_verbose:
        _log(log_file, log_level)
    reading, writing = _streams(port)
    from kfunc_lsp.server.handshake import Exit, handshake
    from kfunc_lsp.server.pipes import Incoming, Outgoing

    incoming, outgoing = Incoming(reading), Outgoing(writing, is_verbose)
    try:
        params = handshake(incoming, outgoing)
        from kfunc_lsp.server.opening import begin, open_first

        session = begin(params, outgoing)
        open_first(session, incoming, outgoing)
        if not (log_file or is_verbose):
            # Until here there is nothing else to log, and the first diagnostics need not wait for a log.
            _log(log_file, log_level)
        from kfunc_lsp.server.features import make_server

        server = make_server()
        gc.set_threshold(*COLLECTION)
        sys.setswitchinterval(_SWITCH)
        return server.run(session, params.get("processId"), incoming, outgoing)
    except Exit as early:
        return early.code
    finally:
        # Also where a fault ends the server: what was answered gets out.
        outgoing.close()


def _log(file: str, level: str) -> None:
    from kfunc_lsp.server.log import configure_log

    configure_log(file, level)


def _streams(port: int | None) -> tuple[BinaryIO, BinaryIO]:
    if port is None:
        return sys.stdin.buffer, sys.stdout.buffer
    from kfunc_lsp.server.listen import accept

    return accept(port)
