"""Options of the table in ``config`` as arguments of the command line."""

from __future__ import annotations

import argparse
from typing import Any

from kfunc_lsp.config import Config, OptionType


def add(parser: argparse._ActionsContainer, name: str) -> None:
    """Add the flags behind the option ``name``; each use adds a string to its value, where that is a list."""
    option = Config.options()[name]
    help_ = f"{option.description}{f': {option.item}' if option.item else ''}"
    if option.type is OptionType.STRING:
        parser.add_argument(*option.flags, dest=name, metavar=option.metavar, help=help_)
    else:
        help_ += "; may be repeated"
        parser.add_argument(*option.flags, dest=name, action="append", metavar=option.metavar, help=help_)


def add_one(parser: argparse.ArgumentParser, dest: str, name: str, metavar: str = "") -> None:
    """Add a positional argument that is one string of the option ``name``."""
    option = Config.options()[name]
    parser.add_argument(dest, metavar=metavar or option.metavar, help=option.item)


def given(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options that the command line sets, with their values."""
    values = {name: getattr(arguments, name, None) for name in Config.options()}
    return {name: value for name, value in values.items() if value}
