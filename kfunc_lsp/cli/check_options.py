"""The arguments of ``kfunc-lsp check``."""

from __future__ import annotations

import argparse

from kfunc_lsp.cli import options
from kfunc_lsp.report import FORMATS

_EXAMPLES = """examples:
  kfunc-lsp check prog.bpf.c -k 6.18 -k 7.3           one program, two kernels
  kfunc-lsp check -k fleet src/                       every program in a folder, a target of the configuration
  kfunc-lsp check prog.bpf.c prog.bpf.o               a program, judged as it was compiled
  kfunc-lsp check --changed-since origin/main         what a change touches
  kfunc-lsp check --format sarif:report.sarif         for people, and for code scanning
  kfunc-lsp check --baseline known.json               only what is new
  kfunc-lsp check --diff                              what --fix would do

exit codes: 0 nothing found (or hints only), 1 findings, 2 could not run or read everything"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommand."""
    check = commands.add_parser(
        "check",
        help="check BPF programs, as C or as objects, against kernels",
        description="Check BPF programs against kernels.",
        epilog=_EXAMPLES,
    )
    check.add_argument(
        "files",
        nargs="*",
        default=["."],
        metavar="FILE",
        help="a program (NAME.bpf.c, or - for standard input), an object (NAME.bpf.o), an archive of objects, or a "
        "folder with programs; the current folder if none is given",
    )
    for name in ("kernels", "loader", "include", "define"):
        options.add(check, name)
    which = check.add_argument_group("what to check and to say")
    which.add_argument("--changed-since", metavar="REV", help="only programs that differ from a revision of git")
    which.add_argument("--stdin-filename", metavar="NAME", help="what the program on standard input is called")
    for name in ("select", "ignore"):
        options.add(which, name)
    which.add_argument(
        "--severity", choices=("hint", "warning", "error"), default="hint", help="say nothing less severe"
    )
    which.add_argument("--baseline", metavar="FILE", help="say nothing that is in FILE")
    which.add_argument("--update-baseline", action="store_true", help="write all that is found to the baseline")
    which.add_argument("--exit-zero", action="store_true", help="exit with 0 whatever is found")
    which.add_argument(
        "--jobs", "-j", type=int, metavar="N", help="processes to use, as many as processors unless told"
    )
    report = check.add_argument_group("reports")
    report.add_argument(
        "--format",
        action="append",
        metavar="FORMAT[:FILE]",
        help=f"{', '.join(FORMATS)}, or auto for what the CI at hand reads; may be repeated with different files",
    )
    report.add_argument("--output-file", metavar="FILE", default="", help="write there what has no file of its own")
    fixes = check.add_argument_group("fixes")
    fixes.add_argument("--fix", action="store_true", help="apply safe fixes, and report what is left")
    fixes.add_argument("--fix-only", action="store_true", help="apply safe fixes, and report nothing")
    fixes.add_argument("--unsafe-fixes", action="store_true", help="take fixes that a person should look at, too")
    fixes.add_argument("--diff", action="store_true", help="show what would be fixed, and change nothing")
