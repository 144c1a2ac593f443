"""What stands in a project, before anything is judged: programs, how they are compiled, headers, kernels at hand.

``init`` writes a configuration from it, ``doctor`` says what is missing.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property

from kfunc_lsp.config import Config
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.files import SelectionError, programs
from kfunc_lsp.kernel.program_types import PREFIX
from kfunc_lsp.kernel.sections import section_program
from kfunc_lsp.parallel import Workers, processors
from kfunc_lsp.programs import is_object_file, read_units
from kfunc_lsp.project import Disk, Project

_MOST_PROGRAMS = 64
"""Programs that are read; of more, these stand for all."""

_MOST_FOLDERS = 5000
_KERNEL_FILES = ("*.kpack", "*.btf", "*.btf.xz", "*.btf.gz", "*.btf.zst", "vmlinux", "vmlinuz", "vmlinuz-*", "bzImage")
_INSTALLED = ("/boot/vmlinuz-*", "/usr/lib/debug/boot/vmlinux-*", "/lib/modules/*/vmlinuz")


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One program that was read: its ``sections``, what it includes in vain, the file that says how it is compiled.

    ``flags`` is empty where flags are guessed, ``error`` says why it could not be read.
    """

    name: str
    sections: tuple[str, ...] = ()
    missing_headers: tuple[str, ...] = ()
    flags: str = ""
    error: str = ""


@dataclass(frozen=True)
class Survey:
    """A folder: the ``names`` of all programs in it, and those that were ``read``."""

    folder: str
    names: tuple[str, ...]
    read: tuple[Surveyed, ...]

    @property
    def missing_headers(self) -> Counter[str]:
        """How many programs miss each header."""
        return Counter(header for program in self.read for header in program.missing_headers)

    @property
    def program_types(self) -> Counter[str]:
        """How many programs have a section of each type, as the kernel's names in small letters."""
        found = Counter[str]()
        for program in self.read:
            known = (section_program(section) for section in program.sections)
            found.update({row.program_type.removeprefix(PREFIX).lower() for row in known if row is not None})
        return found

    @property
    def flags(self) -> Counter[str]:
        """How many programs are compiled as each file says; empty: a guess."""
        return Counter(program.flags for program in self.read if not program.error)

    @cached_property
    def header_folders(self) -> dict[str, str]:
        """A folder below the project's own where a missing header is, by header."""
        return dict(_placed(self.folder, self.missing_headers))

    @cached_property
    def kernel_files(self) -> tuple[str, ...]:
        """Kernel packs, BTF and images in the project."""
        found: list[str] = []
        for place, _, _ in _folders(self.folder):
            for pattern in _KERNEL_FILES:
                found += (path for path in glob.glob(os.path.join(glob.escape(place), pattern)) if os.path.isfile(path))
        return tuple(sorted(set(found)))


def survey(folder: str, config: Config) -> Survey:
    """What stands in ``folder``, read as ``config`` says. Nothing is raised: an error is a program's own."""
    try:
        names = [name for name in programs([folder]) if not is_object_file(name)]
    except SelectionError:
        names = []
    project = Project(Disk(), config.include, config.define)

    def read(name: str) -> Surveyed:
        path = os.path.abspath(name)
        try:
            flags = project.command(path).origin
            (unit,) = read_units(project, name, frozenset())
        except KfuncLspError as error:
            return Surveyed(name, error=str(error))
        sections = {function.section for function in unit.functions.values() if function.section}
        return Surveyed(name, tuple(sorted(sections)), tuple(unit.missing_headers), flags)

    some = names[:: -(-len(names) // _MOST_PROGRAMS)] if names else []
    with Workers(read, processors()) as workers:
        return Survey(os.path.abspath(folder), tuple(names), tuple(workers.map(some)))


def installed_kernels() -> list[str]:
    """Images of kernels that this machine has installed."""
    return sorted(path for pattern in _INSTALLED for path in glob.glob(pattern) if os.access(path, os.R_OK))


def _folders(top: str) -> Iterator[tuple[str, Sequence[str], Sequence[str]]]:
    """``os.walk`` without what is hidden, up to a bound."""
    for number, (place, folders, files) in enumerate(os.walk(top)):
        folders[:] = sorted(name for name in folders if not name.startswith(".") or name == ".output")
        yield place, folders, files
        if number == _MOST_FOLDERS:
            return


def _placed(top: str, headers: Counter[str]) -> Iterator[tuple[str, str]]:
    wanted = dict.fromkeys(header for header, _ in headers.most_common())
    for place, _, _ in _folders(top):
        for header in [header for header in wanted if os.path.isfile(os.path.join(place, header))]:
            del wanted[header]
            yield header, place
