"""``kfunc-lsp check``: the findings for programs, for people."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence

from kfunc_lsp.check import known_names
from kfunc_lsp.cli import CLEAN, FINDINGS, UNABLE
from kfunc_lsp.cli.options import given
from kfunc_lsp.cli.terminal import Progress
from kfunc_lsp.config import Config, load
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.targets import default_kernel, resolve
from kfunc_lsp.programs import read_programs
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.report.text import Style, shown_path, write_finding
from kfunc_lsp.rules.model import Finding, Severity
from kfunc_lsp.selection import Selected, choices, select, title
from kfunc_lsp.unit.model import Unit


def run(options: argparse.Namespace) -> int:
    """Check every file; a file that cannot be read is reported and the rest is checked."""
    began = time.perf_counter()
    config = load(os.path.dirname(os.path.abspath(options.files[0])))
    values = given(options)
    values["include"] = [os.path.abspath(folder) for folder in values.get("include", config.include)]
    config = config.merged(values, "command line")
    for folder in config.include:
        if not os.path.isdir(folder):
            print(f"kfunc-lsp: warning: no such folder to search for headers: {shown_path(folder)}", file=sys.stderr)
    with Progress("reading kernels") as progress:
        return _check(options.files, config, began, progress)


def _check(files: Sequence[str], config: Config, began: float, progress: Progress) -> int:
    selected = load_kernels(config)
    kernels = selected.kernels
    project = Project(Disk(), config.include, config.define)
    style = Style(sys.stdout.isatty() and "NO_COLOR" not in os.environ)
    known = known_names(kernels)
    findings: list[Finding] = []
    notes: list[str] = []
    unread = 0
    seen: set[tuple[str, str, int]] = set()
    count = 0
    for program in read_programs(
        project, files, known, lambda n, name: progress.say(f"checking {n} of {len(files)}: {name}")
    ):
        if isinstance(program, KfuncLspError):
            progress.clear()
            sys.stdout.flush()
            print(f"kfunc-lsp: {program}", file=sys.stderr)
            unread += 1
            continue
        count += 1
        for finding in program.findings(kernels):
            key = (finding.rule.name, finding.span.file.path, finding.span.start)
            if key not in seen:
                seen.add(key)
                findings.append(finding)
                progress.clear()
                print(write_finding(finding, style))
        notes += [f"{shown_path(program.name)}: {words}" for words in _remarks(program.unit)]
    notes += [f"{words}, and is checked once" for words in selected.merged]
    for kernel in kernels:
        if not kernel.kfuncs_known:
            notes.append(f"{kernel.name}: {kernel.provenance.detail}")
    progress.clear()
    for note in notes:
        print(f"note: {note}")
    milliseconds = (time.perf_counter() - began) * 1000
    found = _found(findings, count, unread)
    default = "" if config.kernels else " by default"
    label = "kernel" if len(kernels) == 1 else "kernels"
    print(f"{found} · {label}{default}: {'; '.join(map(title, kernels))} · {milliseconds:.0f} ms")
    if unread:
        return UNABLE
    return FINDINGS if any(f.severity > Severity.HINT for f in findings) else CLEAN


def load_kernels(config: Config) -> Selected:
    """The kernels that the settings name, else the running one, else the newest bundled one."""
    if not config.kernels:
        return Selected((default_kernel(),), ())
    chosen = dict.fromkeys(choice for name in config.kernels for choice in choices(config, name))
    return select([(choice, choice.named(resolve(choice.spec))) for choice in chosen])


def _remarks(unit: Unit) -> Iterable[str]:
    """What keeps the findings of a program from being all there is to find."""
    if unit.missing_headers and unit.uses:
        yield f"not found: {_shortened(unit.missing_headers)}; types from there are unknown"
    if unit.file.path.endswith(".h") and not unit.uses:
        yield "is a header, which says little by itself; check the programs that include it"
    yield from unit.problems


def _shortened(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _found(findings: Sequence[Finding], programs: int, unread: int) -> str:
    missed = f" · {_count(unread, 'file')} not read" if unread else ""
    if not findings:
        return (f"no findings · {_count(programs, 'program')}" if programs else "nothing checked") + missed
    counts = Counter(f.severity for f in findings)
    tally = ", ".join(_count(counts[s], s.word) for s in sorted(counts, reverse=True))
    return f"{_count(len(findings), 'finding')} in {_count(programs, 'program')} ({tally}){missed}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
