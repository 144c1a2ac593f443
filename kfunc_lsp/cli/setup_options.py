"""The arguments of the commands that set a project up: ``init``, ``config``, ``doctor``, ``completion``."""

from __future__ import annotations

import argparse

from kfunc_lsp.cli import options
from kfunc_lsp.config import Config

SHELLS = ("bash", "zsh", "fish")


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands."""
    init = _command(
        commands,
        "init",
        "write a configuration that fits the project",
        "Look at a project (its programs, how they are compiled, headers, kernels at hand) and write a commented "
        "kfunc-lsp.toml. A configuration that is there already is left alone.",
        """examples:
  kfunc-lsp init                                      for the current folder
  kfunc-lsp init bpf/ && kfunc-lsp check bpf/""",
    )
    init.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="the project's; the current one unless told"
    )

    config = _command(
        commands,
        "config",
        "show the value of each option, and what has set it",
        "Show the value of each option for some programs, and what has set it: a line of a file, or the command line.",
        """examples:
  kfunc-lsp config                                    for programs in the current folder
  kfunc-lsp config src/prog.bpf.c -k 7.3              with what a command line would change""",
    )
    config.add_argument("files", nargs="*", default=["."], metavar="FILE", help="programs or folders, as for check")
    for name, option in Config.options().items():
        if option.flags:
            options.add(config, name)
    config.add_argument("--format", choices=("text", "json"), default="text", help="text, which is TOML, unless told")

    doctor = _command(
        commands,
        "doctor",
        "say what was found, what is missing, and the command that helps",
        "Look at the configuration, kernels, programs, compiler flags, headers, the cache and what else is of use, and "
        "say what was found, what is missing, and the command that helps. Nothing is changed.",
        """examples:
  kfunc-lsp doctor                                    the project in the current folder
  kfunc-lsp doctor src/bpf

exit codes: 0 nothing is in the way, 1 something is""",
    )
    doctor.add_argument(
        "folder", nargs="?", default=".", metavar="FOLDER", help="the project's; the current one unless told"
    )

    completion = _command(
        commands,
        "completion",
        "print what a shell needs to complete this command line",
        "Print what a shell needs to complete this command line: commands, options, kernels, rules, files.",
        """examples:
  kfunc-lsp completion bash > ~/.local/share/bash-completion/completions/kfunc-lsp
  kfunc-lsp completion zsh > "${fpath[1]}/_kfunc-lsp"
  kfunc-lsp completion fish > ~/.config/fish/completions/kfunc-lsp.fish""",
    )
    completion.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    help_: str,
    description: str,
    examples: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(
        name,
        help=help_,
        description=description,
        epilog=examples,
    )
