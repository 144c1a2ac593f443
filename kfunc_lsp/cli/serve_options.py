"""The arguments of ``kfunc-lsp serve``."""

from __future__ import annotations

import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    serve = commands.add_parser(
        "serve",
        help="run the language server on standard input and output",
        epilog="examples:\n  kfunc-lsp serve                                     what an editor is to start",
    )
    serve.add_argument("--stdio", action="store_true", help="accepted for editors that pass it; the default")
    serve.add_argument("--tcp", type=_port, metavar="PORT", help="serve one client on this port of 127.0.0.1 instead")
    serve.add_argument("--log-file", default="", metavar="FILE", help="write the log there, not to standard error")
    serve.add_argument(
        "--log-level",
        choices=("error", "warning", "info", "debug"),
        default="warning",
        help="what to log; only `debug` logs messages, with the text of programs",
    )


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 0xFFFF:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give a number from 0 (any) to 65535")
    return port
