"""The arguments of ``kfunc-lsp explain``."""

from __future__ import annotations

import argparse


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    explain = commands.add_parser(
        "explain",
        help="explain a rule",
        epilog="examples:\n"
        "  kfunc-lsp explain                                   every rule in a line\n"
        "  kfunc-lsp explain never-resolves                    why it is bad, and what to write instead",
    )
    explain.add_argument("rule", metavar="RULE", nargs="?", help="a rule's name; without one they are listed")
