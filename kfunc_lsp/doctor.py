"""What is missing around a project, in words, and the one command that helps."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from enum import Enum

from kfunc_lsp import __version__
from kfunc_lsp.config import FILES, Config
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.image import cache
from kfunc_lsp.kernel.sections import SOURCE, section_program
from kfunc_lsp.kernel.targets import RUNNING, resolve
from kfunc_lsp.report.item import shown_path
from kfunc_lsp.report.model import count
from kfunc_lsp.selection import choices, title
from kfunc_lsp.survey import Survey

_MOST_NAMES = 4
_PACKAGES = {"lz4": "lz4", "lzallright": "lzo", "zstandard": "zstd"}
"""Libraries, and what they unpack."""

_HEADERS = {
    "vmlinux.h": "bpftool btf dump file /sys/kernel/btf/vmlinux format c > vmlinux.h",
    "bpf/": "apt-get install libbpf-dev, or dnf install libbpf-devel",
    "linux/": "apt-get install linux-libc-dev, or dnf install kernel-headers",
}
"""What provides a header, by its name or how its name begins."""


class Health(Enum):
    """How it stands with something; the values are the signs for it, the same without colours."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """How it stands with ``subject``, in words, and the ``help`` where there is some: a command, mostly."""

    health: Health
    subject: str
    words: str
    help: str = ""


def diagnoses(config: Config, found: Survey) -> Iterator[Diagnosis]:
    """How it stands with everything that a check or an editor needs."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Diagnosis(Health.GOOD, "kfunc-lsp", f"{__version__}, on Python {python}")
    yield _configuration(config)
    yield from _kernels(config)
    yield _running()
    yield from _programs(found)
    yield from _headers(found)
    yield _cache()
    yield _clangd(found)
    yield _images()


def _configuration(config: Config) -> Diagnosis:
    if config.file:
        return Diagnosis(Health.GOOD, "configuration", shown_path(config.file))
    return Diagnosis(Health.NOTE, "configuration", f"no {FILES[0]} here or above", "kfunc-lsp init")


def _kernels(config: Config) -> Iterator[Diagnosis]:
    if not config.kernels:
        words = f"none are named: {Config.options()['kernels'].unset}"
        yield Diagnosis(Health.NOTE, "kernels", words, "kfunc-lsp kernel list")
    for name in config.kernels:
        try:
            for choice in choices(config, name):
                kernel = choice.named(resolve(choice.spec))
                if kernel.kfuncs_known:
                    kfuncs = count(sum(1 for _ in kernel.kfuncs()), "kfunc")
                    yield Diagnosis(Health.GOOD, "kernel", f"{title(kernel)}: {kfuncs}")
                else:
                    yield Diagnosis(
                        Health.NOTE,
                        "kernel",
                        f"{title(kernel)}: {kernel.provenance.detail}",
                        "give its vmlinuz, or a pack made of it: kfunc-lsp kernel export VMLINUZ -o ours.kpack",
                    )
        except KfuncLspError as error:
            yield Diagnosis(Health.BAD, "kernel", str(error), "kfunc-lsp kernel list")


def _running() -> Diagnosis:
    try:
        kernel = resolve(RUNNING)
    except KfuncLspError as error:
        return Diagnosis(Health.NOTE, "this machine", f"its kernel cannot be asked: {error}")
    if not kernel.kfuncs_known:
        return Diagnosis(Health.NOTE, "this machine", f"{kernel.name}: {kernel.provenance.detail}")
    return Diagnosis(Health.GOOD, "this machine", f"{kernel.name}; `--kernel {RUNNING}` checks against it")


def _programs(found: Survey) -> Iterator[Diagnosis]:
    if not found.names:
        yield Diagnosis(
            Health.BAD,
            "programs",
            f"none in {shown_path(found.folder)}: no *.bpf.c that git does not ignore, and nothing in a compilation "
            "database with -target bpf",
            "kfunc-lsp doctor FOLDER",
        )
        return
    part = "" if len(found.read) == len(found.names) else f"; looked at {len(found.read)} of them"
    types = ", ".join(f"{name} {number}" for name, number in found.program_types.most_common())
    yield Diagnosis(Health.GOOD, "programs", f"{len(found.names)}{part}{f' ({types})' if types else ''}")
    for program in found.read:
        if program.error:
            yield Diagnosis(Health.BAD, "program", program.error)
    unknown = sorted({section for p in found.read for section in p.sections if section_program(section) is None})
    if unknown:
        words = f"{SOURCE} does not know {_some(unknown)}; what may be called there is not judged"
        yield Diagnosis(Health.NOTE, "sections", words)
    yield from _flags(found)


def _flags(found: Survey) -> Iterator[Diagnosis]:
    for file, number in found.flags.items():
        if file:
            yield Diagnosis(Health.GOOD, "compiler flags", f"{shown_path(file)}, for {count(number, 'program')}")
        elif found.missing_headers:
            words = f"guessed for {count(number, 'program')}, as there is no compile_commands.json"
            yield Diagnosis(Health.NOTE, "compiler flags", words, "bear -- make (or meson, or cmake, which write one)")
        else:
            words = f"guessed for {count(number, 'program')}, and every header is found so"
            yield Diagnosis(Health.GOOD, "compiler flags", words)


def _headers(found: Survey) -> Iterator[Diagnosis]:
    if found.names and not found.missing_headers:
        yield Diagnosis(Health.GOOD, "headers", "every one that is included")
    for header, number in found.missing_headers.most_common():
        words = f"{header} is not found, for {count(number, 'program')}; types from there are unknown"
        yield Diagnosis(Health.BAD, "header", words, _provider(header, found))


def _provider(header: str, found: Survey) -> str:
    place = found.header_folders.get(header)
    if place is not None:
        return f'include = ["{os.path.relpath(place, found.folder)}"] in {FILES[0]}, or -I {shown_path(place)}'
    return next((help_ for name, help_ in _HEADERS.items() if header.startswith(name)), f"-I FOLDER, where {header} is")


def _cache() -> Diagnosis:
    place = cache.folder()
    if place is None:
        return Diagnosis(
            Health.NOTE, "cache", "off: kernels from images are read anew each time", f"unset {cache.VARIABLE}"
        )
    existing = place
    while not existing.exists() and existing.parent != existing:
        existing = existing.parent
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        words = f"{place}: {(error.strerror or str(error)).lower()}; kernels from images are read anew each time"
        return Diagnosis(Health.NOTE, "cache", words, f"export {cache.VARIABLE}=FOLDER")
    entries = [entry for entry in os.scandir(place) if entry.is_file()] if place.is_dir() else []
    size = sum(entry.stat().st_size for entry in entries)
    return Diagnosis(Health.GOOD, "cache", f"{place}: {count(len(entries), 'file')}, {(size + 999) // 1000} kB")


def _clangd(found: Survey) -> Diagnosis:
    path = shutil.which("clangd")
    if path is None:
        words = "not found; beside kfunc-lsp it is what an editor shows of all else in C"
        return Diagnosis(Health.NOTE, "clangd", words, "apt-get install clangd, or dnf install clang-tools-extra")
    return Diagnosis(Health.GOOD, "clangd", path)


def _images() -> Diagnosis:
    missing = [form for library, form in _PACKAGES.items() if importlib.util.find_spec(library) is None]
    if missing:
        words = f"those packed with {', '.join(missing)} cannot be read"
        return Diagnosis(Health.NOTE, "kernel images", words, "pip install 'kfunc-lsp[images]'")
    return Diagnosis(Health.GOOD, "kernel images", "of every packing")


def _some(names: list[str]) -> str:
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
