"""Compiler flags as far as they change what a program's text means: include folders, macros, target."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from functools import lru_cache

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.source.fallbacks import FALLBACKS
from kfunc_lsp.source.headers import IncludePaths
from kfunc_lsp.source.macros import Macro, parse_define
from kfunc_lsp.source.predefined import NEWEST, default_cpu, predefined, version_of

_HELPERS = "bpf_helpers.h"
_NEWEST_CPU = 4
_STANDARDS = {"89": None, "90": None, "9x": 199901, "99": 199901, "1x": 201112, "11": 201112, "17": 201710,
              "18": 201710, "2x": 202311, "23": 202311}  # fmt: skip


@dataclass(frozen=True)
class Flags:
    """Flags of one translation unit; folders are absolute. ``known`` is False where they are a guess."""

    include_paths: IncludePaths = field(default_factory=IncludePaths)
    defines: tuple[str, ...] = ()
    undefines: tuple[str, ...] = ()
    forced_includes: tuple[str, ...] = ()
    clang: int = NEWEST
    cpu: int = default_cpu(NEWEST)
    optimised: bool = True
    standard: int | None = 201710
    known: bool = True

    def predefined(self) -> dict[str, Macro]:
        """The macro table before the first line, as a copy that the caller may change."""
        return dict(_predefined(self))

    def fallback(self, header: str, is_found: bool) -> Sequence[Macro]:
        """Macros to go on with behind ``header``, as far as they are not defined by then.

        Where it is not found, or is libbpf's but not by flags: one that lies on the machine may be older than the one
        that the program is compiled with, and lack what the program uses.
        """
        name = posixpath.basename(header)
        return _fallbacks() if (name == _HELPERS and not self.known if is_found else name != "vmlinux.h") else ()


@lru_cache(maxsize=8)
def _predefined(flags: Flags) -> dict[str, Macro]:
    table = dict(predefined(flags.clang, flags.cpu))
    lines = ["__OPTIMIZE__ 1" if flags.optimised else "__NO_INLINE__ 1"]
    if flags.standard is not None:
        lines.append(f"__STDC_VERSION__ {flags.standard}L")
    for definition in flags.defines:
        name, _, value = definition.partition("=")
        lines.append(f"{name} {value if '=' in definition else '1'}")
    for macro in _macros(lines):
        table[macro.name] = macro
    for name in flags.undefines:
        table.pop(name, None)
    return table


@lru_cache(maxsize=1)
def _fallbacks() -> list[Macro]:
    return _macros(FALLBACKS.strip().split("\n"))


def _macros(lines: Iterable[str]) -> list[Macro]:
    return [macro for macro in (parse_define(line, None, 0) for line in lines) if macro is not None]


def parse_arguments(arguments: Sequence[str], directory: str, compiler: str = "clang") -> Flags:
    """Flags from the command line of ``compiler``, whose name tells its version; relative folders are ``directory``'s.

    Unknown flags are passed over.
    """

    def folder(path: str) -> str:
        return posixpath.normpath(posixpath.join(directory, path))

    lists: dict[str, list[str]] = {k: [] for k in ("-I", "-isystem", "-idirafter", "-iquote", "-D", "-U", "-include")}
    version = version_of(compiler)
    cpu, optimised, standard = default_cpu(version), False, 201710
    at = 0
    while at < len(arguments):
        argument = arguments[at]
        at += 1
        for flag, values in lists.items():
            if argument == flag and at < len(arguments):
                values.append(arguments[at])
                at += 1
                break
            if argument.startswith(flag) and argument != flag:
                values.append(argument[len(flag) :])
                break
        else:
            if argument.startswith("-mcpu="):
                named = argument[6:].removeprefix("v")
                cpu = int(named) if named in ("1", "2", "3", "4") else _NEWEST_CPU
            elif argument.startswith("-O"):
                optimised = argument != "-O0"
            elif argument.startswith("-std="):
                standard = _STANDARDS.get(argument[-2:], standard)  # type: ignore[assignment]
    paths = IncludePaths(
        quote=tuple(folder(f) for f in lists["-iquote"]),
        angle=tuple(folder(f) for f in [*lists["-I"], *lists["-isystem"]]),
        after=tuple(folder(f) for f in lists["-idirafter"]),
    )
    return Flags(
        paths,
        tuple(lists["-D"]),
        tuple(lists["-U"]),
        tuple(lists["-include"]),
        version,
        cpu,
        optimised,
        standard,
    )
