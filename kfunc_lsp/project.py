"""What stands on disk around a program: its compiler flags and the headers that it includes.

All file access of the front end goes through ``Disk``. Nothing is executed; only regular files are read.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from kfunc_lsp.dataclass import NamedTuple, dataclass, field, replace
from kfunc_lsp.errors import SourceError
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.flags import Flags, parse_arguments
from kfunc_lsp.unit.model import SourceFile

if TYPE_CHECKING:
    from kfunc_lsp.clangd import Fragment

_LARGEST = 64 << 20
_GUESSED_FOLDERS = ("", "include", "headers", "bpf", "src", "vmlinux", "build", ".output", "libbpf/src", "lib")
_SYSTEM_FOLDERS = (
    "/usr/lib/llvm-*/lib/clang/*/include",
    "/usr/lib/clang/*/include",
    "/usr/local/include",
    "/usr/include/*-linux-gnu",
    "/usr/include",
)
_LEVELS = 5
_CLANG = "clang"
_MOST_ENTRIES = 300
"""Entries of a folder above a program that are looked at when flags are guessed."""


class Command(NamedTuple):
    """How a file is compiled: the compiler, the arguments behind its name, the folder that they are relative to.

    ``origin`` is the file that says so, empty for a guess.
    """

    compiler: str
    arguments: list[str]
    folder: str
    origin: str = ""


@dataclass(frozen=True)
class Database:
    """A compilation database: its entries by file, of which few are ever asked for."""

    file: SourceFile
    entries: Mapping[str, Mapping[str, object]]

    def command(self, path: str) -> Command:
        """How ``path`` is compiled: as the nearest file is if it is a header, or was added since.

        Raises ``SourceError`` where the entry cannot be understood.
        """
        entry = self.entries.get(path) or self.entries[_nearest(path, self.entries)]
        arguments = entry.get("arguments")
        if not isinstance(arguments, list):
            import shlex

            try:
                arguments = shlex.split(str(entry.get("command", "")))
            except ValueError as error:
                raise _broken(self.file, str(error)) from None
        compiler, *rest = map(str, arguments or [_CLANG])
        return Command(compiler, rest, _folder(self.file, entry), self.file.path)


@dataclass
class Disk:
    """Files by path, read once and again when they change. ``overlay`` holds texts of open editors instead."""

    overlay: dict[str, SourceFile] = field(default_factory=dict)
    _files: dict[str, tuple[tuple[int, int], SourceFile]] = field(default_factory=dict)
    _absent: set[str] = field(default_factory=set)

    def read(self, path: str) -> SourceFile | None:
        """The file as it is now, or ``None`` where there is none that may be read."""
        if path in self.overlay:
            return self.overlay[path]
        if path in self._absent:
            return None
        try:
            info = os.stat(path)
        except (OSError, ValueError):
            self._absent.add(path)
            return None
        if not stat.S_ISREG(info.st_mode) or info.st_size > _LARGEST:
            return None
        key = (info.st_mtime_ns, info.st_size)
        cached = self._files.get(path)
        if cached is not None and cached[0] == key:
            return cached[1]
        try:
            with open(path, "rb") as handle:
                data = handle.read(info.st_size + 1)
        except OSError:
            return None
        if len(data) > info.st_size:  # it grows, or is no file that has an end
            return None
        file = SourceFile(path, data.decode("latin-1"))
        self._files[path] = (key, file)
        return file

    def look_again(self) -> None:
        """Forget which files were absent: one may have come since."""
        self._absent.clear()

    def program(self, path: str) -> SourceFile:
        """The main file at ``path``. Raises ``SourceError`` where it cannot be read or is no text in UTF-8."""
        try:
            info = os.stat(path)
            if stat.S_ISDIR(info.st_mode):
                raise SourceError(f"{path}: is a folder; name the .bpf.c files in it")
            if not stat.S_ISREG(info.st_mode) or info.st_size > _LARGEST:
                raise SourceError(f"{path}: is no regular file of at most {_LARGEST >> 20} MiB")
            with open(path, "rb"):
                pass
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "cannot be read"
            raise SourceError(f"{path}: {reason.lower()}") from None
        file = self.read(os.path.abspath(path))
        if file is None:
            raise SourceError(f"{path}: cannot be read")
        wrong = file.text.find("\0")
        if wrong < 0:
            try:
                file.text.encode("latin-1").decode()
            except UnicodeDecodeError as error:
                wrong = error.start
        if wrong >= 0:
            what = "a NUL byte" if file.text[wrong] == "\0" else "a byte that is no UTF-8"
            raise SourceError(f"{path}: is no C source in UTF-8: {what} in line {file.position(wrong)[0] + 1}")
        return file


@dataclass
class Project:
    """Flags and headers for the programs below one folder; ``include`` and ``define`` are the user's own settings."""

    disk: Disk
    include: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    _guesses: dict[str, list[str]] = field(default_factory=dict)
    _clangd: dict[str, tuple[SourceFile, list[Fragment]]] = field(default_factory=dict)
    _databases: dict[str, Database | None] = field(default_factory=dict)

    @cached_property
    def headers(self) -> HeaderCache:
        """The header cache that all programs share."""
        return HeaderCache(self.disk)

    def flags(self, path: str) -> Flags:
        """Compiler flags for the program at ``path``: the compilation database's, ``compile_flags.txt``'s, or a guess.

        A ``.clangd`` above the program changes them as clangd would. Raises ``SourceError`` where one of these files is
        there and cannot be understood.
        """
        own = [*(f"-I{folder}" for folder in self.include), *(f"-D{name}" for name in self.define)]
        command = self.command(path)
        arguments = command.arguments
        for fragment in self._fragments(path):
            arguments = fragment.apply(arguments)
        flags = parse_arguments([*own, *arguments], command.folder, command.compiler)
        return flags if command.origin else replace(flags, known=False)

    def command(self, path: str) -> Command:
        """How ``path`` is compiled, before a ``.clangd`` and the user's own settings. Raises what ``flags`` does."""
        fragments = self._fragments(path)
        databases = [fragment.database for fragment in fragments if fragment.database is not None]
        named = databases[-1] if databases else None  # the folder of the one to use, empty for none
        for folder in [named] if named else _ancestors(path):
            for place in (folder, os.path.join(folder, "build")):
                database = self._database(os.path.join(place, "compile_commands.json")) if named != "" else None
                if database:
                    return database.command(path)
            file = self.disk.read(os.path.join(folder, "compile_flags.txt"))
            if file is not None:
                lines = [SourceFile.decode(line).strip() for line in file.text.splitlines()]
                return Command(_CLANG, [line for line in lines if line], folder, file.path)
        place = os.path.dirname(path)
        guessed = self._guesses.get(place)
        if guessed is None:
            guessed = self._guesses[place] = ["-O2", *_guessed_folders(path)]
        return Command(_CLANG, guessed, place)

    def _fragments(self, path: str) -> list[Fragment]:
        """What the ``.clangd`` files above ``path`` say of it, outermost first."""
        found: list[Fragment] = []
        for folder in reversed(_ancestors(path)):
            file = self.disk.read(os.path.join(folder, ".clangd"))
            if file is not None:
                known = self._clangd.get(file.path)
                if known is None or known[0] is not file:
                    from kfunc_lsp.clangd import read_clangd

                    known = self._clangd[file.path] = (file, read_clangd(file))
                found += [fragment for fragment in known[1] if fragment.concerns(path)]
        return found

    def _database(self, path: str) -> Database | None:
        if path not in self._databases:
            file = self.disk.read(path)
            self._databases[path] = None if file is None else _parse_database(file)
        return self._databases[path]


def _ancestors(path: str) -> list[str]:
    folders = []
    folder = os.path.dirname(path)
    while folder not in folders:
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders


def _guessed_folders(path: str) -> list[str]:
    """Flags for the folders above ``path`` that look like include folders, nearest first, then the system's."""
    folders: dict[str, None] = {}
    for ancestor in _ancestors(path)[:_LEVELS]:
        for name in _GUESSED_FOLDERS:
            folder = os.path.normpath(os.path.join(ancestor, name))
            if _holds_headers(folder) or (name == "include" and os.path.isdir(folder)):
                folders[folder] = None
        folders.update(dict.fromkeys(_neighbours(ancestor)))
        if os.path.exists(os.path.join(ancestor, ".git")):
            break
    import glob

    system = [folder for pattern in _SYSTEM_FOLDERS for folder in sorted(glob.glob(pattern), reverse=True)]
    return [*(f"-I{folder}" for folder in folders), *(part for folder in system for part in ("-idirafter", folder))]


def _neighbours(folder: str) -> list[str]:
    """``include`` folders one level below ``folder``."""
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for _, entry in zip(range(_MOST_ENTRIES), entries, strict=False)]
    except OSError:
        return []
    found = (os.path.join(folder, name, "include") for name in sorted(names))
    return [path for path in found if os.path.isdir(path)]


def _holds_headers(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, "bpf", "bpf_helpers.h")) or any(
        os.path.isfile(os.path.join(folder, name)) for name in ("vmlinux.h", "bpf_helpers.h")
    )


def _parse_database(file: SourceFile) -> Database | None:
    """What ``file`` has; ``None`` where that is nothing."""
    try:
        entries = json.loads(file.text if file.text.isascii() else file.text.encode("latin-1"))
    except (ValueError, RecursionError) as error:
        raise _broken(file, str(error)) from None
    if not isinstance(entries, list):
        raise _broken(file, "not a list")
    found: dict[str, Mapping[str, object]] = {}
    for entry in entries:
        name = entry.get("file") if isinstance(entry, dict) else None
        if not isinstance(name, str):
            raise _broken(file, "an entry without `file`")
        found[os.path.normpath(os.path.join(_folder(file, entry), name))] = entry
    return Database(file, found) if found else None


def _folder(file: SourceFile, entry: Mapping[str, object]) -> str:
    """What the names in an entry of the database ``file`` are relative to."""
    return str(entry.get("directory", os.path.dirname(file.path)))


def _broken(file: SourceFile, why: str) -> SourceError:
    return SourceError(f"{file.path}: is no compilation database ({why}); write it anew or remove it")


def _nearest(path: str, names: Iterable[str]) -> str:
    """The one of ``names`` that is nearest to ``path``."""
    parts = path.split("/")

    def shared(other: str) -> int:
        pairs = zip(parts, other.split("/"), strict=False)
        return next((i for i, (mine, theirs) in enumerate(pairs) if mine != theirs), len(parts))

    return max(names, key=shared)
