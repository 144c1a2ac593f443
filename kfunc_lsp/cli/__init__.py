"""The ``kfunc-lsp`` command: one module per subcommand, each imported only when it is asked for."""

from __future__ import annotations

import argparse
import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from kfunc_lsp import __version__
from kfunc_lsp.cli.terminal import columns
from kfunc_lsp.errors import KfuncLspError

_COLLECTION = (50_000, 20, 50)
"""Rarer garbage collection: reading a program makes a great many small tuples, and nearly none of them in cycles."""

_COMMANDS = {
    "check": "check_options",
    "matrix": "matrix_options",
    "kernel": "kernel_options",
    "init": "setup_options",
    "config": "setup_options",
    "doctor": "setup_options",
    "completion": "setup_options",
    "serve": "serve_options",
    "explain": "explain_options",
}
"""The module that adds the arguments of each command, in the order of ``--help``."""

CLEAN, FINDINGS, UNABLE = 0, 1, 2
"""Exit codes: nothing found, something found, could not run."""


class _Help(argparse.RawDescriptionHelpFormatter):
    """As of argparse, which makes one for each argument that is added, and asks ``shutil`` for its width."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=columns() - 2)


class Parser(argparse.ArgumentParser):
    """Takes files before, between and behind options, and says what is wrong in one line."""

    _is_mixing = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options | {"formatter_class": _Help})

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As of argparse, but a command leaves nothing over: what it does not know is an error of its own."""
        parsed, left = super().parse_known_args(args, namespace)
        if left and self._subparsers is None and not self._is_mixing:
            self._is_mixing = True
            parsed, left = self.parse_known_intermixed_args(args, namespace)
            self._is_mixing = False
            if left:
                self.error(f"unrecognized arguments: {' '.join(left)}{self._meant(left[0])}")
        return parsed, left

    def _meant(self, word: str) -> str:
        from difflib import get_close_matches

        close = get_close_matches(word, self._option_string_actions, n=1)
        return f"; did you mean {close[0]}?" if close else ""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(UNABLE, f"{self.prog}: {message} (`{self.prog} --help` tells more)\n")


def make_parser(only: str = "") -> argparse.ArgumentParser:
    """The parser of the whole command line; ``--help``, the man page and completion are made from it.

    ``only`` is the command that is asked for, if one is: others need not be known then.
    """
    parser = Parser(
        prog="kfunc-lsp",
        description="What libbpf and the verifier will say about the kfuncs that BPF programs declare and call.",
        epilog="examples:\n"
        "  kfunc-lsp check prog.bpf.c --kernel 6.18 --kernel 7.3\n"
        "  kfunc-lsp check prog.bpf.c --kernel /usr/lib/debug/boot/vmlinux-7.3.4\n"
        "  kfunc-lsp matrix src/ --format html --output-file kernels.html\n"
        "  kfunc-lsp kernel show 7.3 bpf_wq_set_callback\n"
        "  kfunc-lsp init && kfunc-lsp doctor\n\n"
        "`kfunc-lsp COMMAND --help` has more of each.",
    )
    parser.add_argument("--version", action="version", version=f"kfunc-lsp {__version__}")
    parser.add_argument("--stdio", action="store_true", help="run the language server (the same as `serve`)")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", prog=parser.prog)

    for module in [_COMMANDS[only]] if only in _COMMANDS else dict.fromkeys(_COMMANDS.values()):
        import_module(f"kfunc_lsp.cli.{module}").add(commands)
    return parser


def command() -> NoReturn:
    """The process of the command line: it ends as soon as all is written.

    To look for garbage and to take everything apart, as the interpreter does at its end, would take a quarter of the
    time of a small check.
    """
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # it is full, closed, or not there
            stream.flush()
    os._exit(code)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; the answer is the exit code (0 clean, 1 findings, 2 could not run)."""
    gc.set_threshold(*_COLLECTION)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    given = sys.argv[1:] if arguments is None else arguments
    parser = make_parser(next(iter(given), ""))
    parsed = parser.parse_args(given)
    if sys.stdout is None:
        print("kfunc-lsp: there is no standard output to write to", file=sys.stderr)
        return UNABLE
    try:
        code = _run(parser, parsed)
        if not sys.stdout.closed:
            sys.stdout.flush()
        return code
    except KfuncLspError as error:
        print(f"kfunc-lsp: {error}", file=sys.stderr)
        return UNABLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        print(f"kfunc-lsp: {error.filename or 'output'}: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return UNABLE
    except Exception as error:
        if os.environ.get("KFUNC_LSP_TRACE"):
            raise
        print(
            f"kfunc-lsp: a fault of kfunc-lsp itself: {type(error).__name__}: {error}; "
            "please report it with the input (KFUNC_LSP_TRACE=1 shows where)",
            file=sys.stderr,
        )
        return UNABLE


def _run(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> int:
    if arguments.command == "check":
        from kfunc_lsp.cli import check

        return check.run(arguments)
    if arguments.command == "matrix":
        from kfunc_lsp.cli import matrix

        return matrix.run(arguments)
    if arguments.command == "kernel":
        from kfunc_lsp.cli import kernel

        return kernel.run(arguments)
    if arguments.command == "init":
        from kfunc_lsp.cli import init

        return init.run(arguments)
    if arguments.command == "config":
        from kfunc_lsp.cli import config

        return config.run(arguments)
    if arguments.command == "doctor":
        from kfunc_lsp.cli import doctor

        return doctor.run(arguments)
    if arguments.command == "completion":
        from kfunc_lsp.cli import completion

        return completion.run(make_parser(), arguments.shell)
    if arguments.command == "explain":
        from kfunc_lsp.cli import explain

        return explain.run(arguments.rule)
    if arguments.command == "serve" or arguments.stdio:
        from kfunc_lsp.server import serve

        # With all that belongs to the end of a process: there is a log to write, and pages to take away.
        if arguments.command != "serve":
            sys.exit(serve())
        sys.exit(serve(arguments.tcp, arguments.log_file, arguments.log_level))
    parser.print_help()
    return UNABLE
