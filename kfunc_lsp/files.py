"""Which files a check is asked for: files as they are named, programs in folders, what has changed since a revision."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.errors import KfuncLspError

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

SUFFIX = ".bpf.c"
DATABASE = "compile_commands.json"
_IGNORE_FILE = ".gitignore"
_TIMEOUT = 60
_FOR_BPF = re.compile(r"-target[= ]\s*bpf(?:e[lb])?(?=\s|$)")


class SelectionError(KfuncLspError):
    """Nothing to check, or it cannot be told what; the text says what was looked for."""


def programs(names: Sequence[str]) -> list[str]:
    """The programs in ``names``, each once: files as they are, for a folder the programs in it, sorted.

    Programs in a folder are ``*.bpf.c``, and what a compilation database compiles for BPF, unless git ignores them.
    Raises ``SelectionError`` where a folder has none.
    """
    found: dict[str, None] = {}
    for name in names:
        if not os.path.isdir(name):
            found[name] = None
            continue
        inside = sorted(_in_folder(name))
        if not inside:
            raise SelectionError(_nothing(name))
        found.update(dict.fromkeys(inside))
    return list(found)


def _in_folder(folder: str) -> Iterator[str]:
    top = os.path.abspath(folder)
    listed = _listed(top)
    ignored = Ignored(top)
    for place, folders, files in os.walk(folder):
        absolute = os.path.abspath(place)
        folders[:] = sorted(name for name in folders if name != ".git" and not ignored.has(absolute, name, True))
        for name in files:
            is_program = name.endswith(SUFFIX) or os.path.join(absolute, name) in listed
            if is_program and not ignored.has(absolute, name, False):
                yield os.path.normpath(os.path.join(place, name))


def _listed(top: str) -> set[str]:
    """Absolute paths of what the nearest compilation database compiles for BPF; a broken one has nothing here."""
    folder = top
    while True:
        for place in (folder, os.path.join(folder, "build")):
            try:
                with open(os.path.join(place, DATABASE), encoding="utf-8", errors="replace") as file:
                    entries = json.load(file)
            except (OSError, ValueError, RecursionError):
                continue
            return {path for path in map(_compiled_for_bpf, entries if isinstance(entries, list) else ()) if path}
        if os.path.dirname(folder) == folder:
            return set()
        folder = os.path.dirname(folder)


def _compiled_for_bpf(entry: object) -> str:
    """The file of a database's entry, if it is compiled for BPF; else empty."""
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        return ""
    arguments = entry.get("arguments")
    command = " ".join(map(str, arguments)) if isinstance(arguments, list) else str(entry.get("command", ""))
    folder = str(entry.get("directory", ""))
    return os.path.normpath(os.path.join(folder, entry["file"])) if _FOR_BPF.search(command) else ""


def _nothing(folder: str) -> str:
    for place, _, files in os.walk(folder):
        objects = [name for name in files if name.endswith(".bpf.o")]
        if objects:
            path = os.path.normpath(os.path.join(place, objects[0]))
            return f"{folder}: has no program (*{SUFFIX}), but objects; name those: kfunc-lsp check {path}"
    return (
        f"{folder}: has no program: looked for *{SUFFIX} that git does not ignore, and for files that a {DATABASE} "
        "compiles with -target bpf; name the file"
    )


@dataclass
class Ignored:
    """What git ignores below ``top``, and why: the ``.gitignore`` files from the repository's folder down."""

    top: str
    _specs: dict[str, GitIgnoreSpec | None] = field(default_factory=dict)
    _root: str = ""

    def __post_init__(self) -> None:
        folder = self.top
        while not os.path.exists(os.path.join(folder, ".git")) and os.path.dirname(folder) != folder:
            folder = os.path.dirname(folder)
        self._root = folder if os.path.exists(os.path.join(folder, ".git")) else self.top
        if self._root != self.top and self.has(os.path.dirname(self.top), os.path.basename(self.top), True):
            self._root = self.top  # who names an ignored folder wants what is in it

    def has(self, folder: str, name: str, is_folder: bool) -> bool:
        """Whether the file or folder ``name`` in ``folder`` is ignored; the last word is the innermost file's."""
        path = os.path.join(folder, name)
        for place in self._above(folder):
            spec = self._spec(place)
            if spec is not None:
                answer = spec.check_file(os.path.relpath(path, place) + ("/" if is_folder else "")).include
                if answer is not None:
                    return answer
        return False

    def _above(self, folder: str) -> Iterable[str]:
        """``folder`` and those above it, up to the repository's."""
        while True:
            yield folder
            if folder == self._root or os.path.dirname(folder) == folder:
                return
            folder = os.path.dirname(folder)

    def _spec(self, folder: str) -> GitIgnoreSpec | None:
        if folder not in self._specs:
            from pathspec import GitIgnoreSpec

            try:
                with open(os.path.join(folder, _IGNORE_FILE), encoding="utf-8", errors="replace") as file:
                    self._specs[folder] = GitIgnoreSpec.from_lines(file)
            except (OSError, ValueError):
                self._specs[folder] = None
        return self._specs[folder]


def changed_since(revision: str, folder: str) -> frozenset[str]:
    """The absolute paths of files in the repository around ``folder`` that differ from ``revision``, or are new to git.

    Raises ``SelectionError`` where there is no repository, no git, or no such revision.
    """
    if revision.startswith("-"):
        raise SelectionError(f"{revision}: is no revision")
    root = _git(folder, "rev-parse", "--show-toplevel").rstrip("\n")
    names = _git(root, "diff", "--name-only", "-z", "--no-ext-diff", "--no-textconv", revision, "--")
    names += _git(root, "ls-files", "-z", "--others", "--exclude-standard")
    return frozenset(os.path.join(root, name) for name in names.split("\0") if name)


def _git(folder: str, *arguments: str) -> str:
    """What a git command prints; hooks, file monitors and external diffs of the repository are off."""
    import subprocess

    command = ["git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-C", folder, *arguments]
    try:
        run = subprocess.run(command, capture_output=True, timeout=_TIMEOUT, check=False)
    except FileNotFoundError:
        raise SelectionError("--changed-since needs git, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise SelectionError(f"git {arguments[0]} in {folder} takes too long") from None
    if run.returncode:
        said = run.stderr.decode("utf-8", "replace").strip().splitlines()
        raise SelectionError(f"--changed-since: git says: {said[0].removeprefix('fatal: ') if said else 'failed'}")
    return run.stdout.decode("utf-8", "surrogateescape")
