"""``kfunc-lsp kernel``: what a kernel's image says of its kfuncs."""

from __future__ import annotations

import argparse
import os
import tempfile
import textwrap
from collections import Counter
from pathlib import Path

from kfunc_lsp.cli import CLEAN
from kfunc_lsp.describe import Description, describe
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction
from kfunc_lsp.kernel.targets import bundled, export_pack, resolve

_FLAGS_UNKNOWN = "flags unknown in this source (BTF alone has none; a vmlinux or a kernel pack has)"
_BROKEN = """\
flagged KF_IMPLICIT_ARGS, but the BTF still shows the implicit arguments and has no {name}_impl: the build lost its
kfunc tag (pahole 1.30 and older take `foo` and `foo.cold` for one). The same version built with pahole 1.31 is sound.
without them:  libbpf      func_proto [..] incompatible with vmlinux [..]
with them:     the kernel  cannot find function {name}_impl in BTF"""


def run(options: argparse.Namespace) -> int:
    """Run one of the ``kernel`` actions."""
    if options.action == "list":
        return _list()
    if options.action == "export":
        return _export(options)
    kernel = resolve(options.kernel)
    if options.name is None:
        return _show_all(kernel)
    return _show(kernel, options.name)


def _list() -> int:
    for release in bundled():
        kernel = resolve(release)
        print(f"{release:<18} {sum(1 for _ in kernel.kfuncs()):>4} kfuncs   {kernel.provenance.detail}")
    print("\nalso: `running` (this machine's kernel), a path to a vmlinux, raw BTF or kernel pack")
    return CLEAN


def _title(kernel: Kernel) -> str:
    path = kernel.provenance.path
    source = "" if path == kernel.name else f" ({path})"
    return f"{kernel.name}{source}"


def _show_all(kernel: Kernel) -> int:
    functions = [kernel.functions[name] for name in sorted(kernel.functions)]
    width = max((len(f.name) for f in functions), default=0)
    for function in functions:
        print(f"{function.name:<{width}}  {function.klass.value}  {_flag_names(function)}".rstrip())
    counts = Counter(function.klass for function in functions)
    print(f"\n{_title(kernel)}: {sum(1 for _ in kernel.kfuncs())} kfuncs")
    for klass in FunctionClass:
        if counts[klass]:
            print(f"  {counts[klass]:>4}  {klass.value:<3} {klass.words}")
    print(f"  {kernel.provenance.detail}")
    return CLEAN


def _flag_names(function: KernelFunction) -> str:
    if function.flags is None:
        return ""
    return " ".join(flag.name.removeprefix("KF_") for flag in decode(function.flags))


def _show(kernel: Kernel, name: str) -> int:
    description = describe(name, [kernel])
    function = kernel.get(description.name) if description else None
    if description is None or function is None:
        raise KfuncLspError(_unknown(kernel, name))
    print(f"{description.name}    {function.klass.value}: {description.klass}")
    if description.written != description.name:
        print(f"  `{description.written}` binds to it: libbpf cuts a name at its last `___`")
    if description.advice:
        print(f"  {description.advice}")
    print()
    for form in description.forms:
        if form.purpose:
            print(f"  // {form.purpose}")
        print(textwrap.indent(form.signature.declaration("the verifier passes this"), "  "))
    _print_notes(description)
    if function.klass is FunctionClass.BROKEN:
        print("\n" + textwrap.indent(_BROKEN.format(name=function.name), "  "))
    if description.has_flags:
        _print_flags(function)
    print(f"\n  {_title(kernel)}: {kernel.provenance.detail}")
    return CLEAN


def _print_notes(description: Description) -> None:
    if description.notes:
        print()
        width = max(len(note.name) for note in description.notes)
        for note in description.notes:
            print(f"  {note.name:<{width}}  {note.words}")


def _print_flags(function: KernelFunction) -> None:
    if function.flags is None or function.flag_sets is None:
        print(f"\n  {_FLAGS_UNKNOWN}")
        return
    flags = decode(function.flags)
    print("\n  flags: " + (", ".join(flag.name for flag in flags) or "none"))
    for flag in flags:
        print(f"    {flag.name}: {flag.meaning}")
    if len(function.flag_sets) > 1:
        print("    they differ by set: " + ", ".join(f"0x{flags:x}" for flags in function.flag_sets))


def _unknown(kernel: Kernel, name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, kernel.functions, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; `kfunc-lsp kernel show {kernel.name}` lists them"
    return f"{kernel.name} has no kfunc `{name}`{hint}"


def _export(options: argparse.Namespace) -> int:
    ids = Path(options.btf_ids) if options.btf_ids else None
    data = export_pack(options.image, ids)
    target = Path(options.output)
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as handle:
            handle.write(data)
        os.chmod(handle.name, 0o644)
        os.replace(handle.name, target)
    except OSError as error:
        raise KfuncLspError(f"{target}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    kernel = resolve(str(target.absolute()))
    print(f"{target}: {sum(1 for _ in kernel.kfuncs())} kfuncs, {len(data)} bytes")
    return CLEAN
