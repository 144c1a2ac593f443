"""``kfunc-lsp doctor``: what was found, what is missing, and the command that helps."""

from __future__ import annotations

import argparse
import os

from kfunc_lsp.cli import CLEAN, FINDINGS
from kfunc_lsp.cli.output import is_coloured
from kfunc_lsp.cli.terminal import Progress, width
from kfunc_lsp.config import Config, ConfigError, load
from kfunc_lsp.doctor import Diagnosis, Health, diagnoses
from kfunc_lsp.report.folding import folded
from kfunc_lsp.report.text import Style
from kfunc_lsp.survey import survey

_COLOURS = {Health.GOOD: "32", Health.NOTE: "33", Health.BAD: "31;1"}
_SIGNS = 6
_SUBJECTS = 16


def run(options: argparse.Namespace) -> int:
    """Print a line for each thing that was looked at, and under it what helps."""
    folder = options.folder
    if not os.path.isdir(folder):
        raise ConfigError(f"{folder}: is no folder; give the one that has the programs")
    broken: list[Diagnosis] = []
    try:
        config = load(folder)
    except ConfigError as error:
        config = Config()
        broken.append(Diagnosis(Health.BAD, "configuration", str(error), "kfunc-lsp config, until it is quiet"))
    with Progress(f"looking at {folder}"):
        found = [*broken, *diagnoses(config, survey(folder, config))]
    style = Style(is_coloured())
    for diagnosis in found:
        print("\n".join(_lines(diagnosis, style)))
    return FINDINGS if any(diagnosis.health is Health.BAD for diagnosis in found) else CLEAN


def _lines(diagnosis: Diagnosis, style: Style) -> list[str]:
    indent = " " * (_SIGNS + _SUBJECTS)
    columns = width()
    lines = folded(diagnosis.words, columns, indent, "")
    if diagnosis.help:
        lines += folded(f"try: {diagnosis.help}", columns, indent)
    sign = style.paint(diagnosis.health.value.ljust(_SIGNS), _COLOURS[diagnosis.health])
    return [f"{sign}{diagnosis.subject:<{_SUBJECTS}}{lines[0].strip()}", *lines[1:]]
