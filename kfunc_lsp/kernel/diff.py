"""What changed between two kernels for a program that calls kfuncs.

Compares what both tell: flags or program types that one of them does not tell are no change, and neither are program
types that one takes from another kernel. Attributes in a prototype, which nobody compares, are no change either.
"""

from __future__ import annotations

import re

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.flags import decode
from kfunc_lsp.kernel.model import Hook, Kernel, KernelFunction

ADDED, REMOVED, PROTOTYPE, CLASS, FLAGS, PROGRAM_TYPES, MODULE = (
    "added",
    "removed",
    "prototype",
    "class",
    "flags",
    "program types",
    "module",
)
_ATTRIBUTE = re.compile(r" ?__attribute__\(\((?:[^()]|\([^()]*\))*\)\)")


@dataclass(frozen=True, slots=True)
class Change:
    """One function's change: ``what`` of the constants here, and how it was and is, empty where it was or is not."""

    name: str
    what: str
    before: str
    after: str


def diff(old: Kernel, new: Kernel) -> list[Change]:
    """The changes from ``old`` to ``new``, by name."""
    skipped = {what for what, _ in uncompared(old, new)}
    changes: list[Change] = []
    before = {f.name: f for f in old.kfuncs()}
    after = {f.name: f for f in new.kfuncs()}
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is not None and now is not None:
            changes += (change for change in _changes(was, now) if change.what not in skipped)
        elif now is not None:
            changes.append(Change(name, ADDED, "", _shown(now)))
        elif was is not None:
            changes.append(Change(name, REMOVED, _shown(was), ""))
    return changes


def uncompared(old: Kernel, new: Kernel) -> list[tuple[str, str]]:
    """What ``diff`` leaves out, and why in words."""
    found = []
    for kernel in (old, new):
        if not kernel.flags_known:
            found.append((FLAGS, f"{kernel.name} does not tell them"))
        if not kernel.hooks_known:
            found.append((PROGRAM_TYPES, f"{kernel.name} does not tell them"))
        elif kernel.hooks_of:
            found.append((PROGRAM_TYPES, f"those of {kernel.name} are taken from {kernel.hooks_of}"))
    return found


def _changes(was: KernelFunction, now: KernelFunction) -> list[Change]:
    pairs = [
        (CLASS, was.klass.words, now.klass.words),
        (PROTOTYPE, _shown(was), _shown(now)),
        (MODULE, was.module or "vmlinux", now.module or "vmlinux"),
    ]
    if was.flags is not None and now.flags is not None:
        pairs.append((FLAGS, _flags(was.flags), _flags(now.flags)))
    if was.hooks is not None and now.hooks is not None:
        pairs.append((PROGRAM_TYPES, _hooks(was.hooks), _hooks(now.hooks)))
    return [Change(now.name, what, before, after) for what, before, after in pairs if _bare(before) != _bare(after)]


def _bare(text: str) -> str:
    return _ATTRIBUTE.sub("", text)


def _shown(function: KernelFunction) -> str:
    return prototype(function.name, function.prototype)


def _flags(flags: int) -> str:
    return " ".join(flag.name for flag in decode(flags)) or "none"


def _hooks(hooks: tuple[Hook, ...]) -> str:
    return ", ".join(h.name + (" (filtered)" if h.filtered or h.crossed else "") for h in hooks)
