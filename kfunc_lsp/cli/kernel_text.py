"""Kernels as text for people: tables, one function in full, health, differences.

``columns`` is the width to fit, ``None`` for whole lines.
"""

from __future__ import annotations

import difflib
import shlex
import textwrap
from collections import Counter
from collections.abc import Sequence

from kfunc_lsp.describe import describe
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.diff import ADDED, CLASS, FLAGS, MODULE, PROGRAM_TYPES, PROTOTYPE, REMOVED, Change, uncompared
from kfunc_lsp.kernel.filters import filter_of
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.health import ILL, Condition, summary
from kfunc_lsp.kernel.model import FunctionClass, Hook, Kernel, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON
from kfunc_lsp.report.folding import folded
from kfunc_lsp.report.item import shown_path
from kfunc_lsp.selection import Target, title

_FLAGS_UNKNOWN = "flags unknown in this source (BTF alone has none; a vmlinux or a kernel pack has)"
_BROKEN = (
    "the BTF still shows the arguments that the verifier is to supply, and has no {name}_impl: the build lost the "
    "function's kfunc tag (pahole 1.30 and older take `foo` and `foo.cold` for one). The same version built with "
    "pahole 1.31 is sound."
)
_BROKEN_SAYS = (
    ("without them, libbpf:", "func_proto [..] incompatible with vmlinux [..]"),
    ("with them, the kernel:", "cannot find function {name}_impl in BTF"),
)
_CHANGED = {
    ADDED: "added",
    REMOVED: "removed",
    CLASS: "of another class",
    PROTOTYPE: "with another prototype",
    FLAGS: "with other flags",
    PROGRAM_TYPES: "for other program types",
    MODULE: "in another module",
}
_ALSO = (
    "Names may be cut after any part: 7.3. A kernel may also be a file (vmlinuz, vmlinux, raw BTF, kernel pack, "
    "module), a folder of modules, `running`, a pattern of files or of these, or a target of the configuration."
)
_MAX_NAMES = 12
_WIDEST = 90
"""Of a prototype, however wide the terminal is."""

_NARROWEST_CELL = 20


def listing(kernels: Sequence[Kernel], targets: Sequence[Target], file: str, columns: int | None) -> str:
    """The bundled kernels, a line each, and the targets of the configuration in ``file``."""
    lines = _table([(k.name, f"{sum(1 for _ in k.kfuncs()):>4} kfuncs", summary(k)) for k in kernels], columns)
    if targets:
        rows = [(target.name, target.problem or ", ".join(target.specs)) for target in targets]
        lines += ["", f"targets of {shown_path(file)}:", *_table(rows, columns, "  ")]
    return "\n".join([*lines, "", *folded(_ALSO, columns)])


def functions(kernel: Kernel, columns: int | None) -> str:
    """All functions of the index, a line each, and a summary."""
    found = [kernel.functions[name] for name in sorted(kernel.functions)]
    lines = _table([(f.name, f.klass.value, _remarks(f)) for f in found], columns)
    counts = Counter(function.klass for function in found)
    lines += ["", f"{title(kernel)}: {sum(1 for _ in kernel.kfuncs())} kfuncs"]
    lines += _table([(f"{counts[k]:>4}", k.value, k.words) for k in FunctionClass if counts[k]], columns, "  ")
    return "\n".join([*lines, *_footer(kernel, columns)])


def function(kernel: Kernel, name: str, columns: int | None) -> str:
    """One function in full. Raises ``KfuncLspError`` where the kernel does not have it."""
    found = find(kernel, name)
    description = describe(name, [kernel])
    if description is None:
        raise KfuncLspError(_unknown(kernel, name))
    lines = [f"{description.name}    {description.klass}"]
    if description.written != description.name:
        lines += folded(f"`{description.written}` binds to it: libbpf cuts a name at its last `___`", columns, "  ")
    if description.advice:
        lines += folded(description.advice, columns, "  ")
    if found.module:
        lines.append(f"  in module {found.module}, which must be loaded first")
    lines.append("")
    widest = _WIDEST if columns is None else min(columns - 2, _WIDEST)
    for form in description.forms:
        if form.purpose:
            lines.append(f"  // {form.purpose}")
        lines.append(textwrap.indent(form.signature.declaration("the verifier passes this", widest), "  "))
    if description.notes:
        lines += ["", *_table([(note.name, note.words) for note in description.notes], columns, "  ")]
    if found.klass is FunctionClass.BROKEN:
        lines += ["", *folded(_BROKEN.format(name=found.name), columns, "  ", "")]
        lines += _table([(stage, text.format(name=found.name)) for stage, text in _BROKEN_SAYS], columns, "  ")
    if description.has_flags:
        lines += ["", *_flags(found, columns), *_hooks(kernel, found, columns)]
    return "\n".join([*lines, "", f"  {title(kernel)}", *_footer(kernel, columns)])


def find(kernel: Kernel, name: str) -> KernelFunction:
    """The function that ``name`` (perhaps with a flavor) means; ``KfuncLspError`` where there is none."""
    description = describe(name, [kernel])
    found = kernel.get(description.name) if description else None
    if found is None:
        raise KfuncLspError(_unknown(kernel, name))
    return found


def health(kernel: Kernel, conditions: Sequence[Condition], columns: int | None) -> str:
    """What is wrong with a kernel, or not known of it: cause, advice, names."""
    lines = folded(f"{title(kernel)}: {summary(kernel)}", columns)
    for condition in conditions:
        lines += ["", *folded(f"{'!' if condition.severity == ILL else '-'} {condition.title}", columns)]
        lines += folded(condition.cause, columns, "  ", "")
        lines += folded(f"-> {condition.advice}", columns, "  ", "   ")
        if condition.functions:
            shown = ", ".join(condition.functions[:_MAX_NAMES])
            more = len(condition.functions) - _MAX_NAMES
            names = f"{shown} and {more} more (--format json lists them)" if more > 0 else shown
            lines += folded(names, columns, "  ", "")
    return "\n".join(lines)


def diff(old: Kernel, new: Kernel, changes: Sequence[Change], columns: int | None) -> str:
    """What changed, by function."""
    lines = folded(f"{title(old)} -> {title(new)}: {_counted(changes)}", columns)
    for change in changes:
        if change.what == ADDED:
            lines += folded(f"+ {change.after}", columns, further="      ")
        elif change.what == REMOVED:
            lines += folded(f"- {change.before}", columns, further="      ")
        else:
            lines.append(f"~ {change.name}: {change.what}")
            lines += _table([("was", change.before), ("is", change.after)], columns, "    ")
    for what, why in uncompared(old, new):
        lines += folded(f"not compared: {what}; {why}", columns)
    return "\n".join(lines)


def diff_markdown(old: Kernel, new: Kernel, changes: Sequence[Change]) -> str:
    """What changed, as a table."""
    lines = [f"## kfuncs: {old.name} to {new.name}", "", f"{_counted(changes)}."]
    lines += ["", "| kfunc | change | before | after |", "|---|---|---|---|"] if changes else []
    for change in changes:
        before, after = (f"`{_cell(text)}`" if text else "" for text in (change.before, change.after))
        lines.append(f"| `{_cell(change.name)}` | {change.what} | {before} | {after} |")
    lines += [f"\nNot compared: {what}; {why}." for what, why in uncompared(old, new)]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _counted(changes: Sequence[Change]) -> str:
    counts = Counter(change.what for change in changes)
    return ", ".join(f"{counts[what]} {words}" for what, words in _CHANGED.items() if counts[what]) or "no change"


def _table(rows: Sequence[Sequence[str]], columns: int | None, indent: str = "") -> list[str]:
    """Rows in columns; where one is too long its last cell goes on below itself."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)] if rows else []
    lines = []
    for row in rows:
        head = indent + "".join(f"{cell:<{width}}  " for cell, width in zip(row, widths, strict=False))
        room = None if columns is None else max(columns - len(head), _NARROWEST_CELL)
        first, *further = folded(row[-1], room, further="")
        lines += [(head + first).rstrip(), *(" " * len(head) + line for line in further)]
    return lines


def _footer(kernel: Kernel, columns: int | None) -> list[str]:
    lines = folded(kernel.provenance.detail, columns, "  ")
    found = summary(kernel)
    if found == "sound":
        return lines
    return [*lines, *folded(f"health: {found} (`kfunc-lsp kernel health {_argument(kernel)}`)", columns, "  ")]


def _argument(kernel: Kernel) -> str:
    """What names the kernel on a command line."""
    return shlex.quote(kernel.provenance.path)


def _remarks(function: KernelFunction) -> str:
    flags = [] if function.flags is None else [flag.name.removeprefix("KF_") for flag in decode(function.flags)]
    return " ".join([*flags, *([f"[{function.module}]"] if function.module else [])])


def _flags(function: KernelFunction, columns: int | None) -> list[str]:
    if function.flags is None or function.flag_sets is None:
        return folded(_FLAGS_UNKNOWN, columns, "  ")
    flags = decode(function.flags)
    lines = folded("flags: " + (", ".join(flag.name for flag in flags) or "none"), columns, "  ")
    lines += _table([(flag.name, flag.meaning) for flag in flags], columns, "    ")
    if len(function.flag_sets) > 1:
        sets = ", ".join(f"0x{flags:x}" for flags in function.flag_sets)
        lines += folded(f"they differ by set: {sets}", columns, "    ")
    return lines


def _hooks(kernel: Kernel, function: KernelFunction, columns: int | None) -> list[str]:
    if function.hooks is None:
        return folded("program types: not known (an x86-64 kernel's vmlinuz tells its own)", columns, "  ")
    callers = [hook for hook in function.hooks if hook.program_types]
    source = f" (as in {kernel.hooks_of})" if kernel.hooks_of else ""
    words = ", ".join(_hook(hook) for hook in callers) or "none"
    lines = folded(f"program types{source}: {words}", columns, "  ")
    for filter_ in dict.fromkeys(
        filter_of(function.name, hook.program_types[0]) for hook in callers if hook.filtered or hook.crossed
    ):
        if filter_ is not None:
            lines += folded(f"{filter_.name} lets it through {filter_.meaning}", columns, "    ")
    return lines


def _hook(hook: Hook) -> str:
    name = "any" if hook.name == COMMON else hook.name
    return f"{name} (behind a filter)" if hook.filtered or hook.crossed else name


def _unknown(kernel: Kernel, name: str) -> str:
    near = difflib.get_close_matches(name, kernel.functions, 3)
    listed = f"`kfunc-lsp kernel show {_argument(kernel)}` lists them"
    hint = f"did you mean {', '.join(near)}?" if near else listed
    return f"{kernel.name} has no kfunc `{name}`; {hint}"
