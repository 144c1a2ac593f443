"""The server's log: standard error, which editors show in a panel of their own, or a file."""

from __future__ import annotations

import logging
import sys


def configure_log(file: str, level: str) -> None:
    """Log what is at least as severe as ``level``; with ``debug`` whole messages, and so the text of programs.

    Raises ``OSError`` where ``file`` cannot be written.
    """
    handler = logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    layout = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(handlers=[handler], level=level.upper(), format=layout)
    # pygls warns of every late cancellation, prints traces of errors that are logged here already, and whole messages.
    logging.getLogger("pygls").setLevel(logging.DEBUG if level == "debug" else logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
