"""Kernels laid out for a terminal: tables that fit it, one function in full, health, differences."""

from __future__ import annotations

import difflib
import shutil
import textwrap
from collections import Counter
from collections.abc import Sequence

from kfunc_lsp.config import Config
from kfunc_lsp.describe import Description, describe
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.diff import ADDED, REMOVED, Change
from kfunc_lsp.kernel.filters import filter_of
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.health import ILL, Condition, summary
from kfunc_lsp.kernel.model import FunctionClass, Hook, Kernel, KernelFunction
from kfunc_lsp.kernel.program_types import COMMON
from kfunc_lsp.report.text import shown_path
from kfunc_lsp.selection import Target, title

_FLAGS_UNKNOWN = "flags unknown in this source (BTF alone has none; a vmlinux or a kernel pack has)"
_BROKEN = """\
flagged KF_IMPLICIT_ARGS, but the BTF still shows the implicit arguments and has no {name}_impl: the build lost its
kfunc tag (pahole 1.30 and older take `foo` and `foo.cold` for one). The same version built with pahole 1.31 is sound.
without them:  libbpf      func_proto [..] incompatible with vmlinux [..]
with them:     the kernel  cannot find function {name}_impl in BTF"""
_MAX_NAMES = 12
_MIN_WIDTH = 60


def listing(kernels: Sequence[Kernel], targets: Sequence[Target], file: str) -> str:
    """The bundled kernels, a line each, and the targets of the configuration in ``file``."""
    lines = [f"{k.name:<18} {sum(1 for _ in k.kfuncs()):>4} kfuncs   {summary(k)}" for k in kernels]
    if targets:
        width = max(len(target.name) for target in targets)
        lines += ["", f"targets of {shown_path(file)}:"]
        lines += [f"  {target.name:<{width}}  {target.problem or ', '.join(target.specs)}" for target in targets]
    return "\n".join([*lines, "", f"also: {Config.options()['kernels'].item}"])


def functions(kernel: Kernel) -> str:
    """All functions of the index, a line each, and a summary."""
    found = [kernel.functions[name] for name in sorted(kernel.functions)]
    width = max((len(f.name) for f in found), default=0)
    columns = shutil.get_terminal_size((200, 24)).columns
    lines = []
    for function in found:
        module = f" [{function.module}]" if function.module else ""
        line = f"{function.name:<{width}}  {function.klass.value}  {_flag_names(function)}{module}".rstrip()
        lines.append(line if len(line) <= max(columns, _MIN_WIDTH) else line[: max(columns, _MIN_WIDTH) - 1] + "…")
    counts = Counter(function.klass for function in found)
    lines.append(f"\n{title(kernel)}: {sum(1 for _ in kernel.kfuncs())} kfuncs")
    lines += [f"  {counts[k]:>4}  {k.value:<3} {k.words}" for k in FunctionClass if counts[k]]
    return "\n".join([*lines, *_footer(kernel)])


def function(kernel: Kernel, name: str) -> str:
    """One function in full. Raises ``KfuncLspError`` where the kernel does not have it."""
    found = find(kernel, name)
    description = describe(name, [kernel])
    if description is None:
        raise KfuncLspError(_unknown(kernel, name))
    lines = [f"{description.name}    {found.klass.value}: {description.klass}"]
    if description.written != description.name:
        lines.append(f"  `{description.written}` binds to it: libbpf cuts a name at its last `___`")
    if description.advice:
        lines.append(f"  {description.advice}")
    if found.module:
        lines.append(f"  in module {found.module}, which must be loaded first")
    lines.append("")
    for form in description.forms:
        if form.purpose:
            lines.append(f"  // {form.purpose}")
        lines.append(textwrap.indent(form.signature.declaration("the verifier passes this"), "  "))
    lines += _notes(description)
    if found.klass is FunctionClass.BROKEN:
        lines.append("\n" + textwrap.indent(_BROKEN.format(name=found.name), "  "))
    if description.has_flags:
        lines += _flags(found)
        lines += _hooks(kernel, found)
    return "\n".join([*lines, "", f"  {title(kernel)}", *_footer(kernel)])


def find(kernel: Kernel, name: str) -> KernelFunction:
    """The function that ``name`` (perhaps with a flavor) means; ``KfuncLspError`` where there is none."""
    description = describe(name, [kernel])
    found = kernel.get(description.name) if description else None
    if found is None:
        raise KfuncLspError(_unknown(kernel, name))
    return found


def health(kernel: Kernel, conditions: Sequence[Condition]) -> str:
    """What is wrong with a kernel, or not known of it: cause, advice, names."""
    width = max(_MIN_WIDTH, min(shutil.get_terminal_size((100, 24)).columns, 120))
    lines = [f"{title(kernel)}: {summary(kernel)}"]
    for condition in conditions:
        lines.append(f"\n{'!' if condition.severity == ILL else '-'} {condition.title}")
        lines += textwrap.wrap(condition.cause, width, initial_indent="  ", subsequent_indent="  ")
        lines += textwrap.wrap(f"-> {condition.advice}", width, initial_indent="  ", subsequent_indent="     ")
        if condition.functions:
            shown = ", ".join(condition.functions[:_MAX_NAMES])
            more = len(condition.functions) - _MAX_NAMES
            text = f"{shown} and {more} more (--format json lists them)" if more > 0 else shown
            lines += textwrap.wrap(text, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(lines)


def diff(old: Kernel, new: Kernel, changes: Sequence[Change]) -> str:
    """What changed, by function."""
    lines = [f"{title(old)} -> {title(new)}: {_counted(changes)}"]
    for change in changes:
        if change.what == ADDED:
            lines.append(f"+ {change.after}")
        elif change.what == REMOVED:
            lines.append(f"- {change.before}")
        else:
            lines += [f"~ {change.name}: {change.what}", f"    was  {change.before}", f"    is   {change.after}"]
    return "\n".join(lines)


def diff_markdown(old: Kernel, new: Kernel, changes: Sequence[Change]) -> str:
    """What changed, as a table."""
    lines = [f"## kfuncs: {old.name} to {new.name}", "", f"{_counted(changes)}.", ""]
    lines += ["| kfunc | change | before | after |", "|---|---|---|---|"]
    for change in changes:
        before, after = (f"`{_cell(text)}`" if text else "" for text in (change.before, change.after))
        lines.append(f"| `{_cell(change.name)}` | {change.what} | {before} | {after} |")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _counted(changes: Sequence[Change]) -> str:
    counts = Counter(change.what for change in changes)
    return ", ".join(f"{count} {what}" for what, count in counts.most_common()) or "no change"


def _footer(kernel: Kernel) -> list[str]:
    lines = [f"  {kernel.provenance.detail}"]
    found = summary(kernel)
    return lines if found == "sound" else [*lines, f"  health: {found} (`kfunc-lsp kernel health {kernel.name}`)"]


def _flag_names(function: KernelFunction) -> str:
    if function.flags is None:
        return ""
    return " ".join(flag.name.removeprefix("KF_") for flag in decode(function.flags))


def _notes(description: Description) -> list[str]:
    if not description.notes:
        return []
    width = max(len(note.name) for note in description.notes)
    return ["", *(f"  {note.name:<{width}}  {note.words}" for note in description.notes)]


def _flags(function: KernelFunction) -> list[str]:
    if function.flags is None or function.flag_sets is None:
        return [f"\n  {_FLAGS_UNKNOWN}"]
    flags = decode(function.flags)
    lines = ["\n  flags: " + (", ".join(flag.name for flag in flags) or "none")]
    lines += [f"    {flag.name}: {flag.meaning}" for flag in flags]
    if len(function.flag_sets) > 1:
        lines.append("    they differ by set: " + ", ".join(f"0x{flags:x}" for flags in function.flag_sets))
    return lines


def _hooks(kernel: Kernel, function: KernelFunction) -> list[str]:
    if function.hooks is None:
        return ["  program types: not known (a vmlinuz tells them, for x86-64)"]
    callers = [hook for hook in function.hooks if hook.program_types]
    source = f" (as in {kernel.hooks_of})" if kernel.hooks_of else ""
    lines = [f"  program types{source}: " + (", ".join(_hook(hook) for hook in callers) or "none")]
    for filter_ in dict.fromkeys(
        filter_of(function.name, hook.program_types[0]) for hook in callers if hook.filtered or hook.crossed
    ):
        if filter_ is not None:
            lines.append(f"    {filter_.name} lets it through {filter_.meaning}")
    return lines


def _hook(hook: Hook) -> str:
    name = "any" if hook.name == COMMON else hook.name
    return f"{name} (behind a filter)" if hook.filtered or hook.crossed else name


def _unknown(kernel: Kernel, name: str) -> str:
    near = difflib.get_close_matches(name, kernel.functions, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else f"; `kfunc-lsp kernel show {kernel.name}` lists them"
    return f"{kernel.name} has no kfunc `{name}`{hint}"
