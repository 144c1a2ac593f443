"""The arguments of ``kfunc-lsp matrix``."""

from __future__ import annotations

import argparse

from kfunc_lsp.cli import options
from kfunc_lsp.report.table import FORMATS

_EXAMPLES = """examples:
  kfunc-lsp matrix src/                               every bundled kernel
  kfunc-lsp matrix prog.bpf.c -k 6.18 -k 7.3 -k ./vmlinuz
  kfunc-lsp matrix --format html --output-file kernels.html

It exits with 0 whatever is found, and with 2 where something could not be read."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    parser = commands.add_parser(
        "matrix",
        help="show on which kernels each program loads",
        description="Show on which kernels each program loads: those of the configuration, else all bundled ones.",
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "files", nargs="*", default=["."], metavar="FILE", help="programs, objects, folders, as for check"
    )
    for name in ("kernels", "loader", "include", "define", "select", "ignore"):
        options.add(parser, name)
    parser.add_argument(
        "--jobs", "-j", type=int, metavar="N", help="processes to use, as many as processors unless told"
    )
    parser.add_argument("--format", choices=list(FORMATS), default="text", help="text unless told")
    parser.add_argument("--output-file", metavar="FILE", default="", help="write there instead of standard output")
