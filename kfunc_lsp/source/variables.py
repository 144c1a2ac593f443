"""Variables: those that a function's body declares, and what the address of one is to the verifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from kfunc_lsp.btf.types import Array, Const, Modifier, Type, TypeTag
from kfunc_lsp.source.declare import DeclarationError, parse_declaration
from kfunc_lsp.source.expression import TYPE_WORDS, Expressions
from kfunc_lsp.source.segment import Variable
from kfunc_lsp.source.sites import KEYWORDS
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.value import Holds, Value

_BEGINNINGS = TYPE_WORDS | frozenset(("static", "register", "__auto_type", "typeof", "__typeof__"))
_MAPS = ".maps"
_READ_ONLY = ".rodata"
_WRITABLE = (".data", ".bss")


class Asked(Mapping[str, Variable]):
    """Variables by name, and in ``answers`` what was made of the names that somebody has asked for."""

    def __init__(self, variables: Mapping[str, Variable], answers: dict[str, Variable | None]) -> None:
        self._variables = variables
        self._answers = answers

    def __getitem__(self, name: str) -> Variable:
        found = self._answers[name] = self._variables.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._variables)

    def __len__(self) -> int:
        return len(self._variables)


def declared(code: Expressions, others: Mapping[str, Variable]) -> Mapping[str, Variable | None]:
    """The variables that a body declares; ``None`` for a name that is another's too, in it, its head or ``others``."""
    found: dict[str, Variable | None] = {}
    for start, end in _statements(code):
        with suppress(DeclarationError):
            for declarator in parse_declaration([token[0] for token in code.tokens[start:end]]):
                name = declarator.name
                is_shared = name in found or name in others or name in code.scope.parameters
                variable = Variable(declarator.words, declarator.type, declarator.attributes.section)
                found[name] = None if is_shared else variable
    return found


def _statements(code: Expressions) -> Iterator[tuple[int, int]]:
    """Token ranges that may be declarations."""
    start = code.start + 1
    for at in range(start, code.end):
        text = code.tokens[at][0]
        if text in (";", "{", "}"):
            if text == ";" and _may_declare(code, start, at):
                yield start, at
            start = at + 1
        elif text == "(" and code.tokens[at - 1][0] == "for":
            start = at + 1


def _may_declare(code: Expressions, start: int, end: int) -> bool:
    words = [token[0] for token in code.tokens[start : min(end, start + 2)]]
    if len(words) < 2 or not is_identifier(words[0]) or words[0] in KEYWORDS:
        return False
    return words[0] in _BEGINNINGS or words[1] == "*" or is_identifier(words[1])


def address(variable: Variable, *, is_local: bool = False) -> Value | None:
    """What the address of a variable is; ``None`` for what libbpf makes no plain map of."""
    words, section = variable.words, variable.section
    if is_local and "static" not in words:
        return Value(Holds.STACK)
    if section == _MAPS:
        return Value(Holds.MAP)
    if "extern" in words or any(isinstance(t, TypeTag) and t.is_attribute for t in _layers(variable.type)):
        return None
    if section and not section.startswith((_READ_ONLY, *_WRITABLE)):
        return None
    is_const = any(isinstance(t, Const) for t in _layers(variable.type))
    return Value(Holds.READ_ONLY if is_const or section.startswith(_READ_ONLY) else Holds.DATA)


def _layers(t: Type) -> Iterator[Type]:
    """A type, and what is around its elements."""
    yield t
    while isinstance(t, Array | Modifier):
        t = t.element if isinstance(t, Array) else t.target
        yield t
