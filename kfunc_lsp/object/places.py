"""Where instructions come from, as spans of source files.

Debug information has the place of the outermost macro use, and the text of its line. A source file is believed only
where it agrees with every line that the object was built from; else the lines themselves stand in for it. So what is
shown is what was compiled, and nothing is read out of a file that an object merely names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable

from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.object.btf_ext import Line
from kfunc_lsp.unit.model import SourceFile, Span

_WORD = re.compile(r"[A-Za-z_]\w*")
_OPENING = re.compile(r"\s*\(")
_KEYWORDS = frozenset(
    "if else for while do switch case return goto sizeof asm volatile struct union enum const void int".split()
)
_LEVELS = 6
_LONGEST_USE = 4000
"""Bytes of a macro's arguments that are searched for a name."""
_LAST_LINE = 1 << 18
"""A line beyond is not believed: no text is made up to hold it."""


class Place(NamedTuple):
    """Where a ksym is used: as ``unit.model.Use`` has it."""

    span: Span
    expansion: Span
    macro: str


class Places:
    """Places in the source files of one object."""

    def __init__(self, path: str, lines: Iterable[Line], read: Callable[[str], SourceFile | None]) -> None:
        """``path`` is the object's; relative names are looked for in its folder and those above, by ``read``."""
        by_file: dict[str, dict[int, str]] = {}
        for line in lines:
            if line.file and 0 < line.line <= _LAST_LINE:
                by_file.setdefault(line.file, {})[line.line] = line.text
        self._path = path
        self._read = read
        self._texts = by_file
        self._files: dict[str, SourceFile] = {}
        self.changed: set[str] = set()
        """Source files that are there, but differ from what the object was built from."""

    def file(self, name: str) -> SourceFile | None:
        """The source file that the compiler called ``name``; ``None`` where no line comes from it."""
        if name not in self._texts:
            return None
        if name not in self._files:
            texts = self._texts[name]
            self._files[name] = self._find(name, texts) or _stand_in(name, texts)
        return self._files[name]

    def main(self, basename: str) -> SourceFile | None:
        """The file of this base name, else the one with most lines."""
        named = [name for name in self._texts if os.path.basename(name) == basename]
        name = max(named or self._texts, key=lambda name: len(self._texts[name]), default="")
        return self.file(name)

    def real_files(self) -> list[SourceFile]:
        """The source files that are there as they were compiled."""
        files = [self.file(name) for name in self._texts]
        return [file for file in files if file is not None and os.path.isabs(file.path)]

    def use(self, line: Line, name: str) -> Place | None:
        """Where ksym ``name`` is used by an instruction of ``line``; ``None`` where nothing says."""
        file = self.file(line.file)
        if file is None or not 0 < line.line <= len(file.line_starts):
            return None
        start = file.line_starts[line.line - 1]
        text = file.line(line.line - 1)
        at = start + min(max(line.column - 1, 0), len(text))
        word = _WORD.match(file.text, at)
        if word is None or word.group() in _KEYWORDS:
            expansion = Span(file, at, min(at + 1, start + len(text)))
            span = _named(file, name, at, start + len(text)) or _named(file, name, start, at)
            return Place(span or expansion, expansion, "")
        expansion = Span(file, at, word.end())
        if word.group() == name:
            return Place(expansion, expansion, "")
        span = _named(file, name, word.end(), _end_of_use(file.text, word.end(), start + len(text)))
        return Place(span, expansion, "") if span else Place(expansion, expansion, word.group())

    def declaration(self, name: str, is_ksym: bool) -> Span | None:
        """The name in an extern declaration of ``name``, if one of the source files has it."""
        begin, end = ("", r"\b__ksym\b") if is_ksym else (r"\bextern\b[^;{}()]*", ";")
        pattern = re.compile(rf"{begin}\b({re.escape(name)})\b\s*(?:\([^;{{}}]*\))?[^;{{}}()]*{end}")
        for file in self.real_files():
            if name in file.text and (match := pattern.search(file.text)):
                return Span(file, match.start(1), match.end(1))
        return None

    def _find(self, name: str, texts: dict[int, str]) -> SourceFile | None:
        """The file on disk, if it has the lines that were compiled."""
        for path in self._candidates(name):
            file = self._read(path)
            if file is None:
                continue
            known = [(number, text) for number, text in texts.items() if text.strip()]
            if known and all(
                number <= len(file.line_starts) and _same(file.line(number - 1), text) for number, text in known
            ):
                return file
            self.changed.add(file.path)
        return None

    def _candidates(self, name: str) -> list[str]:
        if "\0" in name:
            return []
        if os.path.isabs(name):
            return [os.path.normpath(name)]
        folder = os.path.dirname(os.path.abspath(self._path))
        found = []
        for _ in range(_LEVELS):
            found.append(os.path.normpath(os.path.join(folder, name)))
            folder = os.path.dirname(folder)
        return list(dict.fromkeys(found))


def _same(line: str, text: str) -> bool:
    """Whether a line's bytes are ``text``, which BTF has decoded."""
    return SourceFile.decode(line).rstrip() == text.rstrip()


def _stand_in(name: str, texts: dict[int, str]) -> SourceFile:
    """A file that holds the lines that are known, and empty ones between them."""
    lines = [texts.get(number, "").replace("\n", " ") for number in range(1, max(texts) + 1)]
    return SourceFile(os.path.normpath(name), "\n".join(lines).encode("utf-8", "replace").decode("latin-1"))


def _named(file: SourceFile, name: str, start: int, end: int) -> Span | None:
    """The first place in ``[start, end)`` that has the whole word ``name``."""
    at = file.text.find(name, start, end)
    while at >= 0:
        stop = at + len(name)
        if not (_in_word(file.text[at - 1 : at]) or _in_word(file.text[stop : stop + 1])):
            return Span(file, at, stop)
        at = file.text.find(name, stop, end)
    return None


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _end_of_use(text: str, start: int, end_of_line: int) -> int:
    """Where a macro use whose name ends at ``start`` ends: behind its brackets, or with its line."""
    opening = _OPENING.match(text, start)
    if opening is None:
        return end_of_line
    depth = 0
    for at in range(opening.end() - 1, min(len(text), start + _LONGEST_USE)):
        depth += (text[at] == "(") - (text[at] == ")")
        if depth == 0:
            return at + 1
    return end_of_line
