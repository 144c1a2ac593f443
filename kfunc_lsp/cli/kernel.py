"""``kfunc-lsp kernel``: what a kernel's image says of its kfuncs. The actions; ``kernel_text`` lays them out."""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from kfunc_lsp.cli import CLEAN, FINDINGS
from kfunc_lsp.config import load
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, export_pack, resolve
from kfunc_lsp.selection import single, targets

_PATIENCE = 0.5
"""Seconds before a person is told how far it is."""


def run(options: argparse.Namespace) -> int:
    """Run one of the ``kernel`` actions."""
    return {
        "list": _list,
        "show": _show,
        "export": _export,
        "health": _health,
        "diff": _diff,
        "header": _header,
    }[options.action](options)


class _Progress:
    """A counter on standard error, for a person, once it takes long."""

    def __init__(self) -> None:
        self._start = time.monotonic()
        self._shown = False

    def __call__(self, done: int, total: int) -> None:
        if not sys.stderr.isatty() or time.monotonic() - self._start < _PATIENCE:
            return
        end = "\r\033[K" if done == total else ""
        if done == total or done % 16 == 0:
            print(f"\r{done} of {total} modules{end}", end="", file=sys.stderr, flush=True)


def _resolve(name: str, options: argparse.Namespace) -> Kernel:
    choice = single(load("."), name)
    ids, modules = _sources(options)
    return choice.named(resolve(choice.spec, ids, modules=modules, progress=_Progress()))


def _sources(options: argparse.Namespace) -> tuple[Path | None, list[Path]]:
    """The file of the ``.BTF_ids``, and the modules to add."""
    ids = Path(options.btf_ids) if getattr(options, "btf_ids", None) else None
    return ids, [Path(path) for path in options.modules or ()]


def _print_json(value: object) -> None:
    print(json.dumps(value, indent=2))


def _list(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text

    config = load(".")
    kernels = [resolve(release) for release in bundled()]
    if options.format == "json":
        _print_json(kernel_json.listing(kernels, targets(config), config.file))
    else:
        print(kernel_text.listing(kernels, targets(config), config.file))
    return CLEAN


def _show(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text

    kernel = _resolve(options.kernel, options)
    if options.format == "json":
        _print_json(kernel_json.kernel(kernel, options.name))
    elif options.name is None:
        print(kernel_text.functions(kernel))
    else:
        print(kernel_text.function(kernel, options.name))
    return CLEAN


def _health(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text
    from kfunc_lsp.kernel.health import ILL, examine

    kernel = _resolve(options.kernel, options)
    conditions = examine(kernel)
    if options.format == "json":
        _print_json(kernel_json.health(kernel, conditions))
    else:
        print(kernel_text.health(kernel, conditions))
    return FINDINGS if any(condition.severity == ILL for condition in conditions) else CLEAN


def _diff(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text
    from kfunc_lsp.kernel.diff import diff

    old, new = _resolve(options.old, options), _resolve(options.new, options)
    changes = diff(old, new)
    if options.format == "json":
        _print_json(kernel_json.diff(old, new, changes))
    elif options.format == "md":
        print(kernel_text.diff_markdown(old, new, changes))
    else:
        print(kernel_text.diff(old, new, changes))
    return CLEAN


def _header(options: argparse.Namespace) -> int:
    from kfunc_lsp.kernel.header import kernel_header

    text = kernel_header(_resolve(options.kernel, options))
    if options.output:
        _write(Path(options.output), text.encode())
    else:
        print(text, end="")
    return CLEAN


def _export(options: argparse.Namespace) -> int:
    choice = single(load("."), options.kernel)
    ids, modules = _sources(options)
    data = export_pack(choice.spec, ids, modules=modules, progress=_Progress())
    target = Path(options.output)
    _write(target, data)
    kernel = resolve(str(target.absolute()))
    print(f"{target}: {sum(1 for _ in kernel.kfuncs())} kfuncs, {len(data)} bytes")
    return CLEAN


def _write(target: Path, data: bytes) -> None:
    """Write the file as a whole or not at all."""
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as handle:
            handle.write(data)
        os.chmod(handle.name, 0o644)
        os.replace(handle.name, target)
    except OSError as error:
        raise KfuncLspError(f"{target}: cannot be written: {(error.strerror or str(error)).lower()}") from None
