"""The kernel's own programs that are to be refused, and call kfuncs: which are found, and which are not and why.

    python benchmarks/expected_failures.py COMPILE_COMMANDS [KERNEL]

Takes the programs of a compilation database that are annotated with ``__failure`` and call a kfunc, themselves or by
their functions, and what ``__msg`` says that the verifier answers. One is found if a finding in it, or in a function of
its own, foresees that. Prints a table by reason, then every program.
"""

from __future__ import annotations

import json
import re
import sys
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.programs import read_units
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.rules.model import Finding, Severity
from kfunc_lsp.unit.model import Function, Unit

_MSG = re.compile(r'__msg\(((?:\s*"(?:[^"\\]|\\.)*")+)\s*\)')
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')

REASONS = (
    (
        "a callback, or an exception, is followed no further",
        r"throw|exception|from callback|_locked|rbtree cb|AA deadlock",
    ),
    ("the state of a dynptr, or of what points into one", r"dynptr|cannot overwrite|mem access 'scalar'|mem_or_null"),
    ("locks: what is held, and in which order", r"lock|spin|out of order|restore irq|Unreleased ref.*irq"),
    (
        "kptrs, lists and trees: who owns a node",
        r"kptr|rb_|rbtree|list_|owning|allocated|obj_new|obj_drop|percpu|must have zero",
    ),
    (
        "what a pointer may be trusted for",
        r"trusted|rcu|must be referenced|untrusted|R\d (is|type=|must|expected)|expected pointer",
    ),
    (
        "sizes, offsets and values in memory",
        r"invalid access|outside|unbounded|misaligned|offset|leads to|value|beyond|R\d=|off=",
    ),
    ("an iterator's or a flag's state", r"iter|uninitialized|initialized"),
    ("references on a path that is not followed", r"eference"),
    ("helpers and functions of the program, not kfuncs", r"helper|global function|Global function|program exit|tail"),
)
"""Why a failure is not found, by what the verifier says; the first that fits."""


@dataclass(frozen=True)
class Expected:
    """A program that is to be refused: where, with which words, and what was found in it."""

    place: str
    name: str
    is_assembly: bool
    messages: Sequence[str]
    findings: Sequence[Finding]

    @property
    def is_found(self) -> bool:
        """Whether a finding foresees what the verifier is to say."""
        return any(_fits(message, f.violation.foreseen) for message in self.messages for f in self.findings)

    @property
    def reason(self) -> str:
        """Why it is not found, as far as its annotations and messages tell."""
        if self.is_assembly:
            return "written in assembly"
        if any(f.rule.name == "missing-kfunc" for f in self.findings):
            return "its kfunc is one of a module, which is found instead"
        words = " ".join(self.messages)
        return next((reason for reason, pattern in REASONS if re.search(pattern, words)), "other")


def _fits(message: str, foreseen: str) -> bool:
    """Whether a message, with ``{{…}}`` around regular expressions, is one that is foreseen, or begins so."""
    parts = re.split(r"\{\{(.*?)\}\}", message)
    pattern = "".join(part if number % 2 else re.escape(part) for number, part in enumerate(parts))
    return bool(foreseen) and (re.search(pattern, foreseen) is not None or foreseen in message)


def _annotations(unit: Unit, function: Function) -> str:
    """What stands between a program and whatever is before it."""
    text, end = unit.file.text, function.span.start
    return text[max(text.rfind("\n}", 0, end), text.rfind(";\n", 0, end), 0) : end]


def _text(unit: Unit, functions: Iterable[str]) -> str:
    """The text of some functions, as far as it is in the main file."""
    found = [f.span.start for name in functions if (f := unit.functions.get(name)) and f.span.file is unit.file]
    return "".join(unit.file.text[at : unit.file.text.find("\n}", at)] for at in found)


def _of(unit: Unit, program: str) -> set[str]:
    """The functions of the unit that a program gets to."""
    called: dict[str, set[str]] = {}
    for function in unit.functions.values():
        for mention in function.mentions:
            called.setdefault(mention.function, set()).add(function.name)
    found: set[str] = set()
    pending = [program, f"____{program}"]
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending += called.get(name, ())
    return found


def expected(unit: Unit, kernel: Kernel) -> Iterator[Expected]:
    """The annotated programs of ``unit`` that call a kfunc."""
    programs = [f for f in unit.functions.values() if f.section and f.span.file is unit.file]
    to_fail = {f.name: heads for f in programs if "__failure" in (heads := _annotations(unit, f))}
    if not to_fail:
        return
    starts = sorted((f.span.start, f.name) for f in unit.functions.values() if f.span.file is unit.file)
    findings: dict[str, list[Finding]] = {}
    for finding in check(unit, [kernel]):
        if finding.severity is not Severity.HINT and finding.span.file is unit.file:
            at = bisect_right(starts, (finding.span.start, "\uffff")) - 1
            findings.setdefault(starts[at][1] if at >= 0 else "", []).append(finding)
    for name, head in to_fail.items():
        functions = _of(unit, name)
        uses = {use.name for function in functions for use in unit.uses_by_function.get(function, ())}
        if not uses:
            continue
        found = [f for function in functions for f in findings.get(function, ())]
        found += [f for f in findings.get("", ()) if f.violation.subject in uses]
        body = _text(unit, functions)
        messages = ["".join(_STRING.findall(match)) for match in _MSG.findall(head)]
        line = unit.file.position(unit.functions[name].span.start)[0] + 1
        place = f"{unit.file.path.rpartition('/')[2]}:{line}"
        yield Expected(place, name, "__naked" in head or "asm volatile" in body, messages, found)


def main(database: str, release: str = "7.3") -> None:
    kernel = resolve(release)
    known = known_names([kernel])
    project = Project(Disk())
    with open(database) as file:
        files = [entry["file"] for entry in json.load(file)]
    programs = [e for path in files for unit in read_units(project, path, known) for e in expected(unit, kernel)]
    found = [e for e in programs if e.is_found]
    missed = Counter(e.reason for e in programs if not e.is_found)
    print(f"{len(programs)} programs that are to be refused call a kfunc: {len(found)} are found on {kernel.name}")
    for reason, count in missed.most_common():
        print(f"{count:5} missed: {reason}")
    for e in sorted(programs, key=lambda e: (not e.is_found, e.reason, e.place)):
        said = "; ".join(e.messages) or "(no message)"
        others = sorted({f.rule.name for f in e.findings})
        what = "found" if e.is_found else f"missed ({e.reason})"
        print(f"{what}: {e.place} {e.name}: {said}" + (f" [{', '.join(others)}]" if others else ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
