"""``kfunc-lsp check``: the findings for programs, to people, to CI, and as fixes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterable, Sequence

from kfunc_lsp import __version__
from kfunc_lsp.baseline import Baseline, baseline_text, read_baseline
from kfunc_lsp.choice import Choice, RuleNameError, choose
from kfunc_lsp.cli import CLEAN, FINDINGS, UNABLE
from kfunc_lsp.cli.options import given
from kfunc_lsp.cli.output import OutputError, outputs, save
from kfunc_lsp.cli.terminal import Progress
from kfunc_lsp.config import Config, ConfigError, load, place_of
from kfunc_lsp.dataclass import replace
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.files import changed_since, programs
from kfunc_lsp.fixes import Fixed, diff, fix
from kfunc_lsp.kernel.loader import loader_named
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import RUNNING_BTF, default_kernel, image_of_running, resolve
from kfunc_lsp.parallel import processors
from kfunc_lsp.programs import Checker, check_programs
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.report.item import Item, shown_path
from kfunc_lsp.report.model import KernelName, Outcome, Report, count
from kfunc_lsp.rules.model import Severity
from kfunc_lsp.selection import Choice as KernelChoice
from kfunc_lsp.selection import Selected, choices, select, title
from kfunc_lsp.unit.model import SourceFile

_STDIN = "-"
_MOST_ROUNDS = 10
"""How often what fixes have left is looked at again."""


def run(options: argparse.Namespace) -> int:
    """Check what is asked for; a file that cannot be read is reported and the rest is checked."""
    began = time.perf_counter()
    places = outputs(options.format or (), options.output_file, os.environ)
    config = settings(options)
    wanted = _Wanted(options, config)
    project = Project(Disk(), config.include, config.define)
    names = _names(options, project)
    changed = changed_since(options.changed_since, os.getcwd()) if options.changed_since else None
    with Progress("reading kernels"):
        selected = load_kernels(config)
    loader = loader_named(config.loader)
    checker = Checker(project, selected.kernels, loader, changed)
    outcomes = outcomes_of(checker, names, options.jobs)
    if options.fix or options.fix_only or options.diff:
        fixed = _fixed(checker, outcomes, wanted, options)
        if options.diff:
            return _show_diff(fixed, options.exit_zero)
        _write_fixes(fixed)
        if options.fix_only:
            return UNABLE if any(outcome.error for outcome in outcomes) else CLEAN
        checker = replace(checker, project=Project(Disk(), config.include, config.define))
        outcomes = outcomes_of(checker, names, options.jobs)
    report = _report(outcomes, wanted, selected, began, chosen=bool(config.kernels))
    for place in places:
        place.write(report)
    if report.errors:
        return UNABLE
    is_bad = any(item.severity > Severity.HINT for item in report.items)
    return FINDINGS if is_bad and not options.exit_zero else CLEAN


def settings(options: argparse.Namespace) -> Config:
    """The settings for the programs that are asked for: the configuration near the first, and the command line's."""
    first = os.path.abspath(next(iter(options.files), "."))
    config = load(first if os.path.isdir(first) else os.path.dirname(first))
    values = given(options)
    if "include" in values:
        values["include"] = [os.path.abspath(folder) for folder in values["include"]]
    config = config.merged(values, "command line")
    for folder in config.include:
        if not os.path.isdir(folder):
            print(f"kfunc-lsp: warning: no such folder to search for headers: {shown_path(folder)}", file=sys.stderr)
    return config


def load_kernels(config: Config) -> Selected:
    """The kernels that the settings name, else the running one, else the newest bundled one."""
    if not config.kernels:
        return Selected((default_kernel(),), ())
    found: dict[KernelChoice, Kernel] = {}
    for name in config.kernels:
        keys = ("targets", name) if name in config.targets else ("kernels",)
        try:
            for choice in choices(config, name):
                if choice not in found:
                    found[choice] = choice.named(resolve(choice.spec))
        except KfuncLspError as error:
            raise type(error)(_blamed(config, error, *keys)) from None
    return select(list(found.items()))


def chosen_rules(config: Config) -> Choice:
    """The rules that the settings choose. Raises ``ConfigError`` where they name one that does not exist."""
    try:
        return choose(config)
    except RuleNameError as error:
        raise ConfigError(_blamed(config, error, error.option)) from None


def _blamed(config: Config, error: KfuncLspError, *keys: str) -> str:
    """An error that the value under ``keys``, an option's name first, makes, with the place where a file has set it."""
    if config.origins.get(keys[0]) != config.file:
        return str(error)
    return f"{place_of(config.file, *keys)}: `{'.'.join(keys)}`: {error}"


class _Wanted:
    """Which findings are to be said."""

    def __init__(self, options: argparse.Namespace, config: Config) -> None:
        """Raises a ``KfuncLspError`` where an option cannot be meant."""
        self._choice = chosen_rules(config)
        self._severity = Severity[options.severity.upper()]
        self.baseline: Baseline | None = None
        self.baseline_path: str = options.baseline or ""
        self.is_updated: bool = options.update_baseline
        if self.is_updated and not self.baseline_path:
            raise ConfigError("--update-baseline needs --baseline FILE")
        if self.baseline_path and not (self.is_updated and not os.path.exists(self.baseline_path)):
            self.baseline = read_baseline(self.baseline_path)

    def judged(self, item: Item) -> Item | None:
        """A finding as severe as the settings have it; ``None`` where it is not to be said, whatever is known of it."""
        severity = self._choice.judged(item.rule, item.place.path, item.severity)
        return None if severity is None or severity < self._severity else replace(item, severity=severity)


def _names(options: argparse.Namespace, project: Project) -> list[str]:
    """The files to check; what comes on standard input stands in for its file."""
    if _STDIN not in options.files:
        if options.stdin_filename:
            raise ConfigError("--stdin-filename: nothing is read from standard input; add - to the files")
        return programs(options.files)
    if options.fix or options.fix_only:
        raise ConfigError("--fix: what comes on standard input cannot be changed; use --diff")
    name = options.stdin_filename or "stdin.bpf.c"
    path = os.path.abspath(name)
    project.disk.overlay[path] = SourceFile(path, sys.stdin.buffer.read().decode("latin-1"))
    return programs([name if file == _STDIN else file for file in options.files])


def outcomes_of(checker: Checker, names: Sequence[str], jobs: int | None) -> list[Outcome]:
    """What the programs gave; what cannot be read is said at once."""
    found = []
    with Progress() as progress:

        def say(number: int, name: str) -> None:
            progress.say(f"checked {number} of {len(names)}: {name}")

        for outcome in check_programs(checker, names, jobs or processors(), say):
            if outcome.error:
                progress.clear()
                print(f"kfunc-lsp: {outcome.error}", file=sys.stderr)
            found.append(outcome)
    return found


def _items(outcomes: Iterable[Outcome], wanted: _Wanted) -> list[Item]:
    """The findings to be said; one in a header that many programs include is one."""
    seen: dict[tuple[str, str, int, str], Item] = {}
    for outcome in outcomes:
        for item in filter(None, map(wanted.judged, outcome.items)):
            seen.setdefault((item.rule, item.place.path, item.place.start, item.subject), item)
    return list(seen.values())


def _unknown(kernel: Kernel) -> str:
    """What the kernel does not tell and findings rest on, in words; empty where it tells all of it."""
    if not kernel.kfuncs_known:
        return kernel.provenance.detail
    if kernel.flags_known:
        return ""
    image = image_of_running() if kernel.provenance.path == RUNNING_BTF else None
    better = f"its image has them: --kernel {image}" if image else "its vmlinuz has them, and so has a pack made of it"
    return f"kfunc flags are not known, and what they decide (NULL, references, sleeping, …) is not judged; {better}"


def _report(outcomes: Sequence[Outcome], wanted: _Wanted, selected: Selected, began: float, *, chosen: bool) -> Report:
    items = _items(outcomes, wanted)
    notes = [f"{shown_path(o.name)}: {remark}" for o in outcomes for remark in o.remarks]
    notes += [f"{words}, and is checked once" for words in selected.merged]
    notes += [f"{kernel.name}: {words}" for kernel in selected.kernels if (words := _unknown(kernel))]
    known = 0
    if wanted.is_updated:
        save(wanted.baseline_path, baseline_text(items).encode())
        known, items = len(items), []
        notes.append(f"{wanted.baseline_path}: has {count(known, 'finding')} now")
    elif wanted.baseline is not None:
        new = wanted.baseline.new(items)
        gone = wanted.baseline.gone(items)
        known, items = len(items) - len(new), new
        if gone:
            notes.append(f"{wanted.baseline_path}: {gone} of it not found any more; --update-baseline takes them out")
    return Report(
        items=items,
        programs=[shown_path(outcome.name) for outcome in outcomes if not outcome.error],
        kernels=[KernelName(kernel.name, title(kernel)) for kernel in selected.kernels],
        kernels_chosen=chosen,
        notes=list(dict.fromkeys(notes)),
        errors=[outcome.error for outcome in outcomes if outcome.error],
        known=known,
        milliseconds=(time.perf_counter() - began) * 1000,
        version=__version__,
    )


def _fixed(checker: Checker, outcomes: Sequence[Outcome], wanted: _Wanted, options: argparse.Namespace) -> Fixed:
    """The files with all fixes made: those of what was found, and of what is found then, as one may bring another."""
    overlay = checker.project.disk.overlay
    fixed = Fixed()
    for _ in range(_MOST_ROUNDS):
        items = _items(outcomes, wanted)
        if wanted.baseline is not None:
            items = wanted.baseline.new(items)
        read: dict[str, bytes] = {}
        for path in {change.place.path for item in items if item.fix for change in item.fix.changes}:
            if path in fixed.after:
                read[path] = fixed.after[path]
            else:
                with open(path, "rb") as file:
                    read[path] = file.read()
        round_ = fix(items, read, options.unsafe_fixes)
        if not round_.items:
            break
        fixed.add(round_)
        overlay |= {path: SourceFile(path, text.decode("latin-1")) for path, text in round_.after.items()}
        outcomes = outcomes_of(checker, list(round_.after), options.jobs)
    return fixed


def _show_diff(fixed: Fixed, exit_zero: bool) -> int:
    print("".join(diff(fixed, {path: shown_path(path) for path in fixed.after})), end="")
    print(_would(fixed, "would be fixed"), file=sys.stderr)
    return FINDINGS if fixed.items and not exit_zero else CLEAN


def _write_fixes(fixed: Fixed) -> None:
    for path, content in fixed.after.items():
        try:
            save(path, content)
        except OutputError as error:
            raise OutputError(f"{error} (a fix)") from None
    print(_would(fixed, "fixed"), file=sys.stderr)


def _would(fixed: Fixed, what: str) -> str:
    return f"{count(len(fixed.items), 'finding')} {what} in {count(len(fixed.after), 'file')}"
