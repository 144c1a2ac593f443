"""The programs that a check is asked for: sources, objects, and which object was built from which source."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from kfunc_lsp.check import check
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.merge import merged
from kfunc_lsp.object.archive import is_object, objects
from kfunc_lsp.project import Project
from kfunc_lsp.rules.model import Finding
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import Unit

_MAGIC_SIZE = 8


@dataclass(frozen=True)
class Program:
    """A program, called ``name``; ``built`` is the object of a source where both were given, with its name."""

    name: str
    unit: Unit
    built: tuple[str, Unit] | None = None

    def findings(self, kernels: Sequence[Kernel]) -> list[Finding]:
        """All findings, those of source and object as one."""
        found = check(self.unit, kernels)
        if self.built is None:
            return found
        name, unit = self.built
        return merged(found, check(unit, kernels), name)


def read_units(project: Project, path: str, known: frozenset[str]) -> list[Unit]:
    """The units of the program at ``path``: one of a C source or an object, several of an archive of objects.

    ``known`` are the kfunc names of the kernels in question. Raises ``SourceError`` or ``ObjectError`` where the file
    cannot be read as either.
    """
    path = os.path.abspath(path)
    if is_object_file(path):
        from kfunc_lsp.object.read import read_object

        with open(path, "rb") as handle:
            return [read_object(name, file, project.disk.read, known) for name, file in objects(path, handle)]
    file = project.disk.program(path)
    return [read_unit(file, project.headers, project.flags(file.path), known)]


def is_object_file(path: str) -> bool:
    """Whether ``path`` is an ELF file or an archive, by its first bytes; False where it cannot be read."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return False
        with open(path, "rb") as handle:
            return is_object(handle.read(_MAGIC_SIZE))
    except (OSError, ValueError):
        return False


def read_programs(
    project: Project, names: Sequence[str], known: frozenset[str], progress: Callable[[int, str], None]
) -> Iterator[Program | KfuncLspError]:
    """The programs in files ``names``, in order; an error for each file that cannot be read.

    An object stands with its source where that is among them, too, and is what the object was built from. ``known`` are
    the kfunc names of the kernels in question; ``progress`` is told the number (from 1) and the name of each file.
    """
    compiled: dict[str, list[Unit] | KfuncLspError] = {}
    for name in names:
        if is_object_file(name):
            try:
                compiled[name] = read_units(project, name, known)
            except KfuncLspError as error:
                compiled[name] = error
    built = {
        unit.file.path: (name, unit) for name, units in compiled.items() if isinstance(units, list) for unit in units
    }
    sources = {os.path.abspath(name) for name in names if name not in compiled}
    for number, name in enumerate(dict.fromkeys(names), 1):
        progress(number, name)
        found = compiled.get(name)
        if isinstance(found, KfuncLspError):
            yield found
        elif found is not None:
            yield from (Program(name, unit) for unit in found if unit.file.path not in sources)
        else:
            try:
                unit = read_units(project, name, known)[0]
            except KfuncLspError as error:
                yield error
                continue
            yield Program(name, unit, built.get(unit.file.path))
