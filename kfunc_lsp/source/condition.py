"""The controlling expression of ``#if``: parsed and evaluated as C does, on 64-bit integers, never by ``eval``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from kfunc_lsp.source.expand import NOTHING_HIDDEN, Expander
from kfunc_lsp.source.macros import Macro
from kfunc_lsp.source.text import is_identifier, lex

_MASK = (1 << 64) - 1
_DEEPEST = 200
_INTEGER = re.compile(r"(0[xX][0-9a-fA-F]+|0[bB][01]+|[0-9]+)([uUlLzZ]*)$")
_BINARY = {
    "||": 1, "&&": 2, "|": 3, "^": 4, "&": 5, "==": 6, "!=": 6, "<": 7, ">": 7, "<=": 7, ">=": 7,
    "<<": 8, ">>": 8, "+": 9, "-": 9, "*": 10, "/": 10, "%": 10,
}  # fmt: skip
_ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "a": 7, "b": 8, "f": 12, "v": 11}

HasFeature = Callable[[str, str], bool]
"""Answers ``__has_include``, ``__has_attribute`` and their like: (operator, operand as written without spaces)."""


class ConditionError(ValueError):
    """The expression is not one; the preprocessor takes it as false, as a compiler would stop there."""


class _Parser:
    """Precedence climbing; a value is (bits, is_unsigned), bits a Python int in two's-complement range."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        token = self.peek()
        if not token:
            raise ConditionError("the expression ends too early")
        self.at += 1
        return token

    def ternary(self) -> tuple[int, bool]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ConditionError("the expression is nested too deeply")
        condition = self.binary(1)
        if self.peek() == "?":
            self.take()
            yes = self.ternary()
            if self.take() != ":":
                raise ConditionError("`?` without `:`")
            no = self.ternary()
            condition = yes if condition[0] else no
        self.depth -= 1
        return condition

    def binary(self, lowest: int) -> tuple[int, bool]:
        left = self.unary()
        while True:
            operator = self.peek()
            precedence = _BINARY.get(operator, 0)
            if precedence < lowest:
                return left
            self.take()
            left = _apply(operator, left, self.binary(precedence + 1))

    def unary(self) -> tuple[int, bool]:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise ConditionError("the expression is nested too deeply")
        token = self.take()
        if token == "(":
            value = self.ternary()
            if self.take() != ")":
                raise ConditionError("`(` without `)`")
        elif token in ("!", "-", "+", "~"):
            bits, unsigned = self.unary()
            if token == "!":
                value = (int(not bits), False)
            else:
                value = _wrap({"-": -bits, "+": bits, "~": ~bits}[token], unsigned)
        elif is_identifier(token):
            value = (int(token == "true"), False)
        else:
            value = _literal(token)
        self.depth -= 1
        return value


def _wrap(bits: int, unsigned: bool) -> tuple[int, bool]:
    bits &= _MASK
    if not unsigned and bits >> 63:
        bits -= 1 << 64
    return bits, unsigned


def _literal(token: str) -> tuple[int, bool]:
    match = _INTEGER.match(token)
    if match:
        digits, suffix = match.groups()
        base = 16 if digits[:2] in ("0x", "0X") else 2 if digits[:2] in ("0b", "0B") else 8 if digits[0] == "0" else 10
        if len(digits) > 70:
            raise ConditionError(f"`{digits[:20]}…` is too large")
        try:
            value = int(digits[2:] if base in (16, 2) else digits, base)
        except ValueError:
            raise ConditionError(f"`{token}` is no integer") from None
        return _wrap(value, "u" in suffix.lower() or value >> 63 != 0)
    if token[0] == "'" and len(token) >= 3 and token[-1] == "'":
        body = token[1:-1]
        if body[0] == "\\" and len(body) > 1:
            return _ESCAPES.get(body[1], ord(body[1])), False
        return ord(body[0]), False
    raise ConditionError(f"`{token}` has no place in #if")


def _apply(operator: str, left: tuple[int, bool], right: tuple[int, bool]) -> tuple[int, bool]:
    a, b = left[0], right[0]
    if operator == "||":
        return int(bool(a) or bool(b)), False
    if operator == "&&":
        return int(bool(a) and bool(b)), False
    unsigned = left[1] or right[1]
    if operator in ("<<", ">>"):
        return _wrap(a << (b & 63) if operator == "<<" else a >> (b & 63), left[1])
    if unsigned:
        a, b = a & _MASK, b & _MASK
    if operator in ("==", "!=", "<", ">", "<=", ">="):
        return int({"==": a == b, "!=": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[operator]), False
    if operator in ("/", "%"):
        if b == 0:
            return 0, unsigned
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return _wrap(quotient if operator == "/" else a - quotient * b, unsigned)
    return _wrap({"+": a + b, "-": a - b, "*": a * b, "|": a | b, "^": a ^ b, "&": a & b}[operator], unsigned)


def evaluate(rest: str, table: Mapping[str, Macro], has: HasFeature, pasted: set[str]) -> bool:
    """Whether ``#if rest`` holds; what ``##`` makes is added to ``pasted``.

    Raises ``ConditionError`` where it is no expression, ``OutOfBudget`` for a bomb.
    """
    plain = _operators(_words(rest), table, has)
    if any(text in table for text in plain):
        expander = Expander(table, None)
        tokens = expander.expand([(text, -1, NOTHING_HIDDEN, None) for text in plain])
        pasted |= expander.pasted
        plain = _operators([token[0] for token in tokens], table, has)
    if plain in (["0"], ["1"]):
        return plain == ["1"]
    return _value(tuple(plain))


@lru_cache(maxsize=4096)
def _value(plain: tuple[str, ...]) -> bool:
    parser = _Parser(plain)
    value = parser.ternary()
    if parser.peek():
        raise ConditionError(f"`{parser.peek()}` is unexpected")
    return bool(value[0])


@lru_cache(maxsize=4096)
def _words(rest: str) -> list[str]:
    return [text for text, _ in lex(rest)]


def _operators(raw: list[str], table: Mapping[str, Macro], has: HasFeature) -> list[str]:
    """``raw`` with ``defined X`` and ``__has_…(X)`` answered: as written, or as macros made them."""
    plain: list[str] = []
    at = 0
    while at < len(raw):
        text = raw[at]
        at += 1
        if text == "defined":
            parenthesised = at < len(raw) and raw[at] == "("
            at += parenthesised
            name = raw[at] if at < len(raw) else ""
            at += 1 + parenthesised
            plain.append("1" if name in table or name.startswith("__has_") else "0")
        elif text.startswith("__has_") and at < len(raw) and raw[at] == "(":
            try:
                end = raw.index(")", at)
            except ValueError:
                raise ConditionError(f"`{text}` without `)`") from None
            operand = raw[at + 1 : end]
            if "include" in text and operand and operand[0] in table:
                operand = [t[0] for t in Expander(table, None).expand([(o, -1, NOTHING_HIDDEN, None) for o in operand])]
            plain.append("1" if has(text, "".join(operand)) else "0")
            at = end + 1
        else:
            plain.append(text)
    return plain
