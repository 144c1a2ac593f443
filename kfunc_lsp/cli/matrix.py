"""``kfunc-lsp matrix``: on which kernels each program loads."""

from __future__ import annotations

import argparse

from kfunc_lsp.cli import CLEAN, UNABLE
from kfunc_lsp.cli.check import chosen_rules, load_kernels, outcomes_of, settings
from kfunc_lsp.cli.output import is_coloured, save
from kfunc_lsp.cli.terminal import Progress, width
from kfunc_lsp.dataclass import replace
from kfunc_lsp.files import programs
from kfunc_lsp.kernel.loader import loader_named
from kfunc_lsp.kernel.targets import bundled_series
from kfunc_lsp.programs import Checker
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.report.model import KernelName
from kfunc_lsp.report.table import text, writer
from kfunc_lsp.report.table.model import matrix
from kfunc_lsp.report.text import Style
from kfunc_lsp.selection import title


def run(arguments: argparse.Namespace) -> int:
    """Write the matrix."""
    config = settings(arguments)
    if not config.kernels:
        config = config.merged({"kernels": list(bundled_series())}, "bundled kernels")
    names = programs(arguments.files)
    with Progress("reading kernels"):
        kernels = load_kernels(config).kernels
    checker = Checker(Project(Disk(), config.include, config.define), kernels, loader_named(config.loader))
    outcomes = outcomes_of(checker, names, arguments.jobs)
    choice = chosen_rules(config)
    outcomes = [
        replace(o, items=tuple(i for i in o.items if choice.judged(i.rule, i.place.path, i.severity) is not None))
        for o in outcomes
    ]
    table = matrix(outcomes, [KernelName(kernel.name, title(kernel)) for kernel in kernels])
    if arguments.output_file:
        save(arguments.output_file, writer(arguments.format)(table).encode("utf-8", "replace"))
    elif arguments.format == "text":
        print(text.write(table, Style(is_coloured(), width())), end="")
    else:
        print(writer(arguments.format)(table), end="")
    return UNABLE if table.errors else CLEAN
