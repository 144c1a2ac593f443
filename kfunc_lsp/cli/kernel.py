"""``kfunc-lsp kernel``: what a kernel's image says of its kfuncs. The actions; ``kernel_text`` lays them out."""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path

from kfunc_lsp.cli import CLEAN, FINDINGS, UNABLE
from kfunc_lsp.cli.terminal import Progress, width
from kfunc_lsp.config import load
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, export_pack, resolve
from kfunc_lsp.selection import single, targets


def run(options: argparse.Namespace) -> int:
    """Run one of the ``kernel`` actions; without one, say which there are."""
    if options.action is None:
        print(options.help(), end="")
        return UNABLE
    return {
        "list": _list,
        "show": _show,
        "export": _export,
        "health": _health,
        "diff": _diff,
        "header": _header,
    }[options.action](options)


def _resolve(name: str, options: argparse.Namespace) -> Kernel:
    choice = single(load("."), name)
    ids, modules = _sources(options)
    with Progress(f"reading {choice.spec}") as progress:
        return choice.named(resolve(choice.spec, ids, modules=modules, progress=progress.modules))


def _sources(options: argparse.Namespace) -> tuple[Path | None, list[Path]]:
    """The file of the ``.BTF_ids``, and the modules to add."""
    ids = Path(options.btf_ids) if getattr(options, "btf_ids", None) else None
    return ids, [Path(path) for path in options.modules or ()]


def _json(value: object) -> str:
    return json.dumps(value, indent=2) + "\n"


def _list(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text

    config = load(".")
    kernels = [resolve(release) for release in bundled()]
    if options.format == "json":
        print(_json(kernel_json.listing(kernels, targets(config), config.file)), end="")
    else:
        print(kernel_text.listing(kernels, targets(config), config.file, width()))
    return CLEAN


def _show(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text

    kernel = _resolve(options.kernel, options)
    if options.format == "json":
        print(_json(kernel_json.kernel(kernel, options.name)), end="")
    elif options.name is None:
        print(kernel_text.functions(kernel, width()))
    else:
        print(kernel_text.function(kernel, options.name, width()))
    return CLEAN


def _health(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text
    from kfunc_lsp.kernel.health import ILL, examine

    kernel = _resolve(options.kernel, options)
    conditions = examine(kernel)
    if options.format == "json":
        print(_json(kernel_json.health(kernel, conditions)), end="")
    else:
        print(kernel_text.health(kernel, conditions, width()))
    return FINDINGS if any(condition.severity == ILL for condition in conditions) else CLEAN


def _diff(options: argparse.Namespace) -> int:
    from kfunc_lsp.cli import kernel_json, kernel_text
    from kfunc_lsp.kernel.diff import diff

    old, new = _resolve(options.old, options), _resolve(options.new, options)
    changes = diff(old, new)
    if options.format == "json":
        print(_json(kernel_json.diff(old, new, changes)), end="")
    elif options.format == "md":
        print(kernel_text.diff_markdown(old, new, changes))
    else:
        print(kernel_text.diff(old, new, changes, width()))
    return CLEAN


def _header(options: argparse.Namespace) -> int:
    from kfunc_lsp.kernel.header import kernel_header

    kernel = _resolve(options.kernel, options)
    text = kernel_header(kernel)
    if options.format == "json":
        from kfunc_lsp.cli import kernel_json

        text = _json(kernel_json.header(kernel, text))
    if options.output:
        _write(Path(options.output), text.encode())
    else:
        print(text, end="")
    return CLEAN


def _export(options: argparse.Namespace) -> int:
    choice = single(load("."), options.kernel)
    ids, modules = _sources(options)
    with Progress(f"reading {choice.spec}") as progress:
        data = export_pack(choice.spec, ids, modules=modules, progress=progress.modules)
    target = Path(options.output)
    _write(target, data)
    kernel = resolve(str(target.absolute()))
    if options.format == "json":
        from kfunc_lsp.cli import kernel_json

        print(_json(kernel_json.export(kernel, options.output, len(data))), end="")
    else:
        print(f"{target}: {sum(1 for _ in kernel.kfuncs())} kfuncs, {len(data)} bytes")
    return CLEAN


def _write(target: Path, data: bytes) -> None:
    """Write a file as a whole or not at all; what is no regular file (a terminal, ``/dev/null``) is written into."""
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        place = target.resolve()
        descriptor, name = tempfile.mkstemp(dir=place.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
            os.chmod(name, place.stat().st_mode & 0o777 if place.exists() else 0o644)
            os.replace(name, place)
        except OSError:
            os.unlink(name)
            raise
    except OSError as error:
        raise KfuncLspError(f"{target}: cannot be written: {(error.strerror or str(error)).lower()}") from None
