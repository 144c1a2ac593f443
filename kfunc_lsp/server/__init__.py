"""The language server: LSP over standard input and output. All knowledge of kfuncs comes from the other packages."""

from __future__ import annotations


def serve() -> None:
    """Serve one client until it says ``exit`` or closes its end. Exits with 1 on ``exit`` without ``shutdown``."""
    import sys

    from kfunc_lsp.server.features import make_server
    from kfunc_lsp.server.server import configure_log

    configure_log()
    server = make_server()
    server.start_io()
    if server.left_in_a_hurry:
        sys.exit(1)
