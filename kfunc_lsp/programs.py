"""Checking programs: a file to units, whichever it is, and their findings; source and object of one program as one.

Many programs are checked by several processes (``parallel``); what they give is in the order that was asked for.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

from kfunc_lsp.check import check, known_names
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.errors import KfuncLspError, ObjectError, SourceError
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.merge import merged
from kfunc_lsp.object.archive import is_object, objects
from kfunc_lsp.parallel import Workers
from kfunc_lsp.project import Project
from kfunc_lsp.report.item import Item, item_of
from kfunc_lsp.report.model import Outcome
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import Unit

_MAGIC_SIZE = 8
_OBJECT_SUFFIXES = (".o", ".a")
_OTHER_SUFFIXES = frozenset(
    """
    .adoc .cfg .conf .css .csv .diff .gz .html .ini .jpg .js .json .kpack .ll .log .lua .md .orig .patch .pdf .png .py
    .rej .rs .rst .sarif .sh .svg .tar .toml .txt .xml .xz .yaml .yml .zip .zst
    """.split()
)
"""Endings of what is certainly no program. With any other, or none, a file may be C."""
_NAMED_HEADERS = 4


@dataclass(frozen=True)
class Checker:
    """Checks programs of ``project`` against ``kernels``; with ``changed``, only those that one of its files is in."""

    project: Project
    kernels: Sequence[Kernel]
    loader: Loader = LIBBPF
    changed: frozenset[str] | None = None

    def outcomes(self, name: str) -> list[Outcome]:
        """The outcome of the program in file ``name``: one, or for an archive several."""
        try:
            units = read_units(self.project, name, self._known)
        except KfuncLspError as error:
            return [Outcome(name, error=str(error))]
        return [
            Outcome(name, unit.file.path, self._items(unit), tuple(_remarks(unit)))
            for unit in units
            if self.changed is None or not self.changed.isdisjoint(unit.files)
        ]

    @cached_property
    def _known(self) -> frozenset[str]:
        return known_names(self.kernels)

    def _items(self, unit: Unit) -> tuple[Item, ...]:
        return tuple(map(item_of, check(unit, self.kernels, self.loader)))


def check_programs(
    checker: Checker, names: Sequence[str], jobs: int, progress: Callable[[int, str], None]
) -> Iterator[Outcome]:
    """The outcomes of the programs in files ``names``, in order, worked out by up to ``jobs`` processes.

    Where a source and the object built from it are both among them, they have one outcome. ``progress`` is told the
    number (from 1) and the name of each file that is done.
    """
    names = list(dict.fromkeys(names))
    compiled = [name for name in names if is_object_file(name)]
    sources = [name for name in names if name not in set(compiled)]
    with Workers(checker.outcomes, jobs if len(names) > 1 else 1) as workers:
        of_objects: dict[str, list[Outcome]] = {}
        for number, (name, outcomes) in enumerate(zip(compiled, workers.map(compiled), strict=True), 1):
            progress(number, name)
            of_objects[name] = outcomes
        built = {outcome.main: outcome for outcomes in of_objects.values() for outcome in outcomes if outcome.main}
        own = {os.path.abspath(name) for name in sources}
        results = workers.map(sources)
        done = len(compiled)
        for name in names:
            if name in of_objects:
                yield from (outcome for outcome in of_objects[name] if outcome.main not in own)
                continue
            for outcome in next(results):
                yield _with_object(outcome, built.get(outcome.main)) if outcome.main else outcome
            done += 1
            progress(done, name)


def _with_object(source: Outcome, built: Outcome | None) -> Outcome:
    if built is None:
        return source
    items = tuple(merged(source.items, built.items, built.name))
    return replace(source, items=items, remarks=(*source.remarks, *built.remarks))


def _remarks(unit: Unit) -> Iterator[str]:
    """What keeps the findings of a program from being all there is to find."""
    if unit.missing_headers and unit.uses:
        names = ", ".join(unit.missing_headers[:_NAMED_HEADERS])
        rest = len(unit.missing_headers) - _NAMED_HEADERS
        yield f"not found: {names}{f' and {rest} more' if rest > 0 else ''}; types from there are unknown"
    if unit.file.path.endswith(".h") and not unit.uses:
        yield "is a header, which says little by itself; check the programs that include it"
    yield from unit.problems


def read_units(project: Project, path: str, known: frozenset[str]) -> list[Unit]:
    """The units of the program at ``path``: one of a C source or an object, several of an archive of objects.

    ``known`` are the kfunc names of the kernels in question. Raises ``SourceError`` or ``ObjectError`` where the file
    cannot be read as either.
    """
    absolute = os.path.abspath(path)
    if absolute not in project.disk.overlay and is_object_file(absolute):
        from kfunc_lsp.object.read import read_object

        with open(absolute, "rb") as handle:
            try:
                return [read_object(name, file, project.disk.read, known) for name, file in objects(absolute, handle)]
            except ObjectError as error:
                raise ObjectError(f"{path}{str(error).removeprefix(absolute)}") from None
    if path.endswith(_OBJECT_SUFFIXES) and os.path.isfile(absolute):
        raise ObjectError(f"{path}: is no object, nor an archive of objects; give what `clang -target bpf -c` wrote")
    file = project.disk.overlay.get(absolute)
    if file is None:
        _, suffix = os.path.splitext(path)
        if suffix.lower() in _OTHER_SUFFIXES and os.path.isfile(absolute):
            what = "give C source (.c), objects (.o), archives of them (.a), or folders"
            raise SourceError(f"{path}: a {suffix} file is no program; {what}; C of any name is read from `-`")
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
