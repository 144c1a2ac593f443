"""``kfunc-lsp completion``: what a shell needs to complete the command line."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import Any

import shtab

from kfunc_lsp import rules
from kfunc_lsp.cli import CLEAN
from kfunc_lsp.kernel.targets import RUNNING, bundled
from kfunc_lsp.report import FORMATS

_FOLDERS = {"folder", "include"}
_FILES = {"files", "output_file", "output", "baseline", "stdin_filename", "modules", "btf_ids"}
_KERNELS = {"kernels", "kernel", "old", "new"}
_RULES = {"select", "ignore", "rule"}


def run(parser: argparse.ArgumentParser, shell: str) -> int:
    """Print the script for ``shell``, made from the same parser as ``--help``."""
    minors = dict.fromkeys(".".join(release.split(".")[:2]) for release in bundled())
    kernels = _words("kernels", [RUNNING, *minors], and_files=True)
    names = _words("rules", [rule.name for rule in rules.ALL])
    for action in _actions(parser):
        if action.dest in _KERNELS:
            action.complete = kernels
        elif action.dest in _RULES:
            action.complete = names
        elif action.dest == "format" and action.choices is None:
            action.complete = _words("formats", [*FORMATS, "auto"])
        elif action.dest in _FOLDERS:
            action.complete = shtab.DIRECTORY
        elif action.dest in _FILES:
            action.complete = shtab.FILE
    print(shtab.complete(parser, shell))
    return CLEAN


def _actions(parser: argparse.ArgumentParser) -> Iterator[Any]:
    """Every argument of a parser and of its subcommands'."""
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield from _actions(command)


def _words(name: str, words: Sequence[str], and_files: bool = False) -> dict[str, object]:
    """A completer, as shtab takes them, for some words, and for files too."""
    function = f"_kfunc_lsp_{name}"
    listed = " ".join(words)
    bash = f'compgen -W "{listed}" -- "$1"' + ('; compgen -f -- "$1"' if and_files else "")
    zsh = f"compadd -- {listed}" + ("; _files" if and_files else "")
    return {
        "bash": function,
        "zsh": function,
        "fish": listed + (" (__fish_complete_path (commandline -ct))" if and_files else ""),
        "preamble": {"bash": f"{function}() {{ {bash}; }}", "zsh": f"{function}() {{ {zsh} }}"},
    }
