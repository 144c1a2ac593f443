"""``kfunc-lsp config``: the value of each option, and what has set it."""

from __future__ import annotations

import argparse
import json
import os

from kfunc_lsp.cli import CLEAN
from kfunc_lsp.cli.check import settings
from kfunc_lsp.config import Config, ConfigError
from kfunc_lsp.report.item import shown_path
from kfunc_lsp.toml import written


def run(options: argparse.Namespace) -> int:
    """Print the settings for the programs that are asked for, as TOML with origins in comments, or as JSON."""
    for path in options.files:
        if not os.path.lexists(path):
            raise ConfigError(f"{path}: no such file or folder")
    config = settings(options)
    if options.format == "json":
        values = {
            name: {"value": config.value(name), "origin": config.place(name) or None} for name in Config.options()
        }
        print(json.dumps({"file": config.file or None, "options": values}, indent=2, ensure_ascii=False))
    else:
        print(f"# {shown_path(config.file) if config.file else 'no configuration file; `kfunc-lsp init` writes one'}")
        print("\n".join(_line(config, name) for name in Config.options()))
    return CLEAN


def _line(config: Config, name: str) -> str:
    if name not in config.origins:
        return f"# {name} is not set: {Config.options()[name].unset}"
    file, colon, line = config.place(name).rpartition(":")
    origin = f"{shown_path(file)}:{line}" if colon and os.path.isabs(file) else config.place(name)
    return f"{name} = {written(config.value(name))}  # {origin}"
