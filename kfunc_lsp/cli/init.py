"""``kfunc-lsp init``: a commented configuration for the project at hand."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Iterator

from kfunc_lsp.cli import CLEAN
from kfunc_lsp.cli.output import create
from kfunc_lsp.cli.terminal import Progress
from kfunc_lsp.config import FILES, Config, ConfigError, Option, load
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.targets import RUNNING, bundled, resolve
from kfunc_lsp.report.model import count
from kfunc_lsp.survey import Survey, installed_kernels, survey
from kfunc_lsp.toml import written

_MOST_NAMES = 8


def run(options: argparse.Namespace) -> int:
    """Write the configuration of a folder; one that is there already is left alone."""
    folder = options.folder
    if not os.path.isdir(folder):
        raise ConfigError(f"{folder}: is no folder; give the one that has the programs, or one above")
    path = os.path.join(folder, FILES[0])
    existing = load(folder).file
    if existing and os.path.dirname(existing) == os.path.abspath(folder):
        raise ConfigError(f"{existing}: is there already, and is left alone; `kfunc-lsp config` shows what it comes to")
    with Progress(f"looking at {folder}"):
        found = survey(folder, Config())
        text = configuration(found)
    create(path, text.encode())
    print(
        f"{os.path.normpath(path)}: written, for {count(len(found.names), 'program')}; next: kfunc-lsp check {folder}"
    )
    return CLEAN


def configuration(found: Survey) -> str:
    """The text of a configuration that fits a project: what was found is set, all else is a comment."""
    sections = [_head(found)]
    for option in Config.options().values():
        comment = f"# {option.description.capitalize()}{f': {option.item}' if option.item else ''}."
        lines = [*_folded(comment), f"# Without it: {option.unset}."]
        if option.name == "kernels":
            lines += [f"# At hand: {line}" for line in _kernels_at_hand(found)]
        value = _value(option, found)
        lines += (
            [f"{option.name} = {written(value)}"] if value else [f"# {line}" for line in option.example.split("\n")]
        )
        sections.append("\n".join(lines))
    return "\n\n".join(sections) + "\n"


def _head(found: Survey) -> str:
    types = ", ".join(f"{name} {number}" for name, number in found.program_types.most_common())
    words = [
        f"# kfunc-lsp: how the BPF programs from here on down are checked. Found: {_programs(found)}",
        f"{f' ({types})' if types else ''}; {_flags(found)}; {_vmlinux_h(found)}.",
    ]
    return "\n".join(
        [*_folded("".join(words)), "# `kfunc-lsp config` shows what holds, `kfunc-lsp doctor` what is missing."]
    )


def _programs(found: Survey) -> str:
    return count(len(found.names), "program") if found.names else "no program yet"


def _flags(found: Survey) -> str:
    files = [os.path.relpath(file, found.folder) for file in found.flags if file]
    return f"compiler flags from {', '.join(files)}" if files else "compiler flags are guessed"


def _vmlinux_h(found: Survey) -> str:
    if "vmlinux.h" not in found.missing_headers:
        return "every vmlinux.h that is included" if found.names else "no vmlinux.h"
    place = found.header_folders.get("vmlinux.h")
    return f"vmlinux.h in {os.path.relpath(place, found.folder)}" if place else "a vmlinux.h is missing"


def _value(option: Option, found: Survey) -> tuple[str, ...]:
    """What the project itself says of an option."""
    if option.name == "kernels":
        own = [f"./{os.path.relpath(path, found.folder)}" for path in found.kernel_files]
        return tuple(own) or (".".join(bundled()[0].split(".")[:2]),)
    if option.name == "include":
        return tuple(dict.fromkeys(os.path.relpath(place, found.folder) for place in found.header_folders.values()))
    return ()


def _kernels_at_hand(found: Survey) -> Iterator[str]:
    minors = dict.fromkeys(".".join(release.split(".")[:2]) for release in reversed(bundled()))
    yield f"bundled {', '.join(minors)}"
    try:
        running = resolve(RUNNING)
    except KfuncLspError:
        pass
    else:
        yield f'"{RUNNING}" ({running.release or running.name})'
    yield from _some(installed_kernels())


def _some(paths: Iterable[str]) -> list[str]:
    return [f'"{path}"' for path in paths][:_MOST_NAMES]


def _folded(comment: str) -> list[str]:
    import textwrap

    return textwrap.wrap(comment, 110, subsequent_indent="# ", break_long_words=False, break_on_hyphens=False)
