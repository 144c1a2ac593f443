"""Macros that ``clang -target bpf`` defines before it reads a file, by version and ``-mcpu``.

Read off clang 13 to 22 (``data/predefined.txt``). Those that depend on other flags (``-O``, ``-std``) are ``flags``'
business.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache

from kfunc_lsp.source.macros import Macro, parse_define

NEWEST = 22
"""The newest version that the data knows; what a compiler without a version in its name is taken for."""
_OLDEST = 13
_DATA = os.path.join(os.path.dirname(os.path.dirname(__file__)), "data", "predefined.txt")
_RELEASES = {
    13: "0.1",
    14: "0.6",
    15: "0.6",
    16: "0.6",
    17: "0.6",
    18: "1.8",
    19: "1.7",
    20: "1.2",
    21: "1.8",
    22: "1.8",
}
"""Minor version and patch level of the releases that the data was read off: the last ones."""
_VERSION = re.compile(r"(?:clang|llvm)-(\d+)")


def version_of(compiler: str) -> int:
    """Major version of clang that a compiler's name or path tells; the newest known where it tells none."""
    found = _VERSION.findall(compiler)
    return min(max(int(found[-1][:3]), _OLDEST), NEWEST) if found else NEWEST


def default_cpu(version: int) -> int:
    """The ``-mcpu`` of clang ``version`` where no flag says: v3 since 20."""
    return 3 if version >= 20 else 1


@lru_cache(maxsize=1)
def _rows() -> list[tuple[range, int, str]]:
    """The data: versions, lowest ``-mcpu``, and what a ``#define`` would say."""
    rows = []
    places: dict[str, tuple[range, int]] = {}
    with open(_DATA, encoding="ascii") as file:
        lines = file.read().splitlines()
    for line in lines:
        if line.startswith("#"):
            continue
        where, definition = line.split(" ", 1)
        if where not in places:
            places[where] = _place(where)
        rows.append((*places[where], definition))
    return rows


def _place(where: str) -> tuple[range, int]:
    """The versions and the lowest ``-mcpu`` that the first word of a line tells."""
    first, last, cpu = _OLDEST, NEWEST, 1
    for word in where.split(","):
        if word.startswith("v"):
            cpu = int(word[1:])
        elif word != "*":
            begin, _, end = word.rstrip("+").partition("-")
            first, last = int(begin), int(end or NEWEST)
    return range(first, last + 1), cpu


@lru_cache(maxsize=8)
def predefined(version: int, cpu: int) -> dict[str, Macro]:
    """The table of clang ``version`` for ``-mcpu=v<cpu>``; callers copy it before they change it."""
    minor, patch = _RELEASES[version].split(".")
    release = f"{version}.{minor}.{patch}"
    lines = [definition for versions, lowest, definition in _rows() if version in versions and cpu >= lowest]
    lines += [f"__clang_major__ {version}", f"__clang_minor__ {minor}", f"__clang_patchlevel__ {patch}"]
    lines += [f'__clang_version__ "{release} "', f'__VERSION__ "Clang {release}"']
    if version >= 18:
        lines.append(f"__BPF_CPU_VERSION__ {cpu}")
    macros = (parse_define(line, None, 0) for line in lines)
    return {macro.name: macro for macro in macros if macro is not None}
