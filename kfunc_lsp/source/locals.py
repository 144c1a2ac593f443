"""Declarations inside a function as steps: which locals there are, what they begin as, what runs at their end."""

from __future__ import annotations

from collections.abc import Sequence

from kfunc_lsp.source.lower import NOTHING, Lowering, Variable
from kfunc_lsp.source.syntax import TYPE_WORDS
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.graph import Address, Set, Store

KEYWORDS = frozenset("return goto if else while for do switch case default break continue sizeof asm __asm__".split())
_STORAGE = frozenset("static register extern auto __extension__ inline".split())
_NUMBERS = frozenset(
    """
    unsigned signed int long short char bool _Bool u8 u16 u32 u64 s8 s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16
    __s32 __s64 size_t pid_t
    """.split()
)
_SIGNED = frozenset("int long short s8 s16 s32 s64 __s8 __s16 __s32 __s64 signed pid_t".split())
_UNSIGNED = frozenset(("unsigned", "bool", "_Bool"))


class Declarations(Lowering):
    """Builds steps from declarations."""

    def is_declaration(self, at: int, end: int) -> bool:
        """Whether the statement at ``at`` declares something."""
        text = self.texts[at] if at < end else ""
        if text in TYPE_WORDS or text in _STORAGE:
            return True
        if not text or not is_identifier(text) or text in KEYWORDS or self.resolve(text):
            return False
        index = at + 1
        while index < end and self.texts[index] == "*":
            index += 1
        name = self.texts[index] if index < end else ""
        return bool(name) and is_identifier(name) and name not in KEYWORDS

    def declaration(self, at: int, end: int) -> None:
        """Lower the declaration in tokens ``[at, end)``, without its ``;``."""
        texts = self.texts
        words: list[str] = []
        cleanups: list[int] = []
        is_aggregate = False
        while at < end:
            text = texts[at]
            if text in ("struct", "union", "enum"):
                is_aggregate = text != "enum"
                at += 1 if at + 1 < end and texts[at + 1] == "{" else 2
                if at < end and texts[at] == "{":
                    at = self.reader.close(at, end) + 1
                words.append(text)
            elif text in ("typeof", "__typeof__", "__typeof", "__attribute__") and at + 1 < end:
                close = self.reader.close(at + 1, end)
                cleanups += self._cleanups(at, close)
                at = close + 1
                words.append(text)
            elif text in TYPE_WORDS or text in _STORAGE or (not _named(words) and is_identifier(text)):
                words.append(text)
                at += 1
            else:
                break
        while at < end:
            stop = self.reader.first(at, end, frozenset((",",)))
            self._declarator(at, stop, words, is_aggregate, cleanups)
            at = stop + 1

    def _cleanups(self, start: int, end: int) -> list[int]:
        """The functions of ``cleanup`` attributes in tokens ``[start, end)``."""
        words = ("cleanup", "__cleanup__")
        return [at + 2 for at in range(start, end - 2) if self.texts[at] in words and self.texts[at + 1] == "("]

    def _declarator(self, at: int, end: int, words: list[str], is_aggregate: bool, cleanups: list[int]) -> None:
        texts = self.texts
        equals = self.reader.first(at, end, frozenset(("=",)))
        is_pointer = "*" in texts[at:equals] and "__attribute__" not in texts[at : texts.index("*", at)]
        name, index = "", at
        while index < equals and not name:
            if texts[index] == "(" and index + 1 < equals and texts[index + 1] != "*":
                index = self.reader.close(index, equals)
            elif texts[index] == "__attribute__":
                index = self.reader.close(index + 1, equals)
            elif is_identifier(texts[index]) and texts[index] not in TYPE_WORDS:
                name = texts[index]
                break
            index += 1
        if not name:
            return
        is_array = index + 1 < equals and texts[index + 1] == "["
        is_number = not is_pointer and not is_array and not is_aggregate and bool(_NUMBERS.intersection(words))
        is_signed = is_number and bool(_SIGNED.intersection(words)) and not _UNSIGNED.intersection(words)
        is_aggregate = is_array or "static" in words or (is_aggregate and not is_pointer)
        variable = Variable(is_aggregate, is_number, is_signed)
        unique = self.declare(name, variable)
        for cleanup in (*cleanups, *self._cleanups(index, equals)):
            function = texts[cleanup]
            self.outside.add(function)
            self.addressed.add(unique)
            self.scopes[-1].cleanups.append((function, unique, cleanup))
        if equals < end:
            value = self.value(self.reader.expression(equals + 1, end))
            if variable.is_aggregate:
                self.emit(Store(Address(unique), value, at))
            else:
                self.set(unique, value)
        elif not variable.is_aggregate:
            self.emit(Set(unique, NOTHING))


def _named(words: Sequence[str]) -> bool:
    """Whether type words name a type already, so that an identifier that follows is what is declared."""
    qualifiers = ("const", "volatile", "__attribute__", "restrict", "__restrict", *_STORAGE)
    return any(word not in qualifiers for word in words)
