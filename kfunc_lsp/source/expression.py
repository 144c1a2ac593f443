"""Expressions of C as conditions: what ``a && !b``, ``bpf_ksym_exists(x)`` or ``p->field`` come to.

No grammar of expressions is needed beyond ``&&``, ``||``, ``!``, ``?:`` and comparisons; what is not understood is
``Opaque``, never an assertion. Which statements stand under a condition is ``flow``'s business.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.source.expand import Token
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.guard import (
    Condition,
    Constant,
    Exists,
    Likely,
    Opaque,
    Runtime,
    both,
    either,
    mentions,
    negate,
)

OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(OPENING.values())
_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))
_ASSIGNMENTS = frozenset("= += -= *= /= %= &= |= ^= <<= >>=".split())
_COMMA, _ASSIGNMENT, _QUESTION, _OR, _AND, _COMPARISON = range(6)
_LEVELS = {
    ",": _COMMA,
    **dict.fromkeys(_ASSIGNMENTS, _ASSIGNMENT),
    "?": _QUESTION,
    "||": _OR,
    "&&": _AND,
    **dict.fromkeys(_COMPARISONS, _COMPARISON),
}
"""Operators by how loosely they bind; the assignments and ``?`` to the right, all others to the left."""
_TRANSPARENT = frozenset(("likely", "unlikely", "__builtin_expect"))
TYPE_WORDS = frozenset(
    """
    struct union enum const volatile unsigned signed int long short char bool _Bool void u8 u16 u32 u64 s8 s16
    s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 size_t sizeof
    """.split()
)
DEEPEST = 80


_LONGEST = 2000
"""Longest expression, in tokens, that is looked into."""
_POINTERS = frozenset(
    """
    bpf_map_lookup_elem bpf_map_lookup_percpu_elem bpf_get_current_task_btf bpf_sk_storage_get bpf_task_storage_get
    bpf_inode_storage_get bpf_cgrp_storage_get bpf_ringbuf_reserve bpf_skc_lookup_tcp bpf_sk_lookup_tcp
    bpf_sk_lookup_udp bpf_sk_fullsock bpf_tcp_sock bpf_this_cpu_ptr bpf_per_cpu_ptr bpf_kptr_xchg bpf_dynptr_data
    bpf_get_listener_sock bpf_sock_from_file bpf_skc_to_tcp_sock bpf_skc_to_tcp6_sock bpf_skc_to_udp6_sock
    bpf_skc_to_unix_sock bpf_task_pt_regs bpf_get_local_storage
    """.split()
)
"""Helpers that give a pointer, which may be known not to be NULL."""


@dataclass(frozen=True)
class Scope:
    """What names mean inside a function.

    ``ksyms`` are names whose truth is existence; ``constants`` file-level names that the compiler or the verifier may
    take as constants, with True where the compiler may (no ``volatile``); ``globals`` other file-level variables;
    ``parameters`` the function's own, ``is_program`` whether the kernel passes them; ``functions`` those defined here;
    ``macros`` names that are macros, left as they stand, and ``macros_id`` what tells them from others; ``pointers``
    declared functions that return one.
    """

    ksyms: frozenset[str]
    constants: Mapping[str, bool]
    globals: frozenset[str]
    parameters: frozenset[str]
    is_program: bool
    functions: frozenset[str]
    macros: Container[str] = field(compare=False)
    macros_id: int
    pointers: frozenset[str]


@dataclass
class Expressions:
    """Expressions in one body ``[start, end)``; ``regions`` collects which tokens stand under which condition."""

    tokens: list[Token]
    start: int
    end: int
    scope: Scope
    regions: list[tuple[int, int, Condition]] = field(default_factory=list)
    _depth: int = 0
    _lenient: int = 0

    def __post_init__(self) -> None:
        self._escaped: Condition = Constant(True)
        self.partners = self._match()
        self.assigned = self._assignments()
        self._resolving: set[str] = set()
        self._known: dict[str, Condition] = {}

    def _inner_block(self, start: int, end: int) -> Condition:
        """Walk a statement expression's block; the condition under which its end is reached."""
        raise NotImplementedError

    def _text(self, at: int) -> str:
        return self.tokens[at][0] if self.start <= at < self.end else ""

    def _match(self) -> dict[int, int]:
        partners: dict[int, int] = {}
        stack: list[tuple[str, int]] = []
        for at in range(self.start, self.end):
            text = self.tokens[at][0]
            if text in OPENING:
                stack.append((OPENING[text], at))
            elif text in _CLOSING:
                while stack:
                    wanted, opened = stack.pop()
                    partners[opened] = at
                    if wanted == text:
                        break
        for _, opened in stack:
            partners[opened] = self.end - 1
        return partners

    def _assignments(self) -> dict[str, list[tuple[int, int] | None]]:
        """Right-hand sides of each local name's assignments; ``None`` for a change that is no plain assignment."""
        found: dict[str, list[tuple[int, int] | None]] = {}

        def change(name: str, value: tuple[int, int] | None = None) -> None:
            if name and is_identifier(name):
                found.setdefault(name, []).append(value)

        for at in range(self.start, self.end):
            text = self.tokens[at][0]
            if text in _ASSIGNMENTS:
                name = at - 1
                while self._text(name) == ")" and is_identifier(self._text(name - 1) or "0"):
                    name -= 1
                if self._text(name - 1) not in (".", "->"):
                    change(self._text(name), (at + 1, self._expression_end(at + 1)) if text == "=" else None)
            elif text in ("++", "--"):
                change(self._text(at - 1))
                change(self._text(at + 1))
            elif text == "&" and not (is_identifier(self._text(at - 1) or "0") or self._text(at - 1) in (")", "]")):
                if self._text(at + 2) != "->":
                    change(self._text(at + 1))
            elif text in self.scope.macros or text in ("asm", "__asm__"):
                opening = at + 1 + (self._text(at + 1) in ("volatile", "__volatile__"))
                if self._text(opening) != "(":
                    continue
                for inside in range(opening + 1, self.partners.get(opening, opening)):
                    if self._text(inside - 1) in ("(", ",") and self._text(inside + 1) in (")", ","):
                        change(self._text(inside))
        return found

    def _expression_end(self, at: int) -> int:
        while at < self.end:
            text = self.tokens[at][0]
            if text in (",", ";") or text in _CLOSING:
                return at
            at = self.partners.get(at, at) + 1
        return self.end

    def _region(self, start: int, end: int, condition: Condition) -> None:
        if start < end:
            self.regions.append((start, end, condition))

    def _expression(self, start: int, end: int) -> Condition:
        """What an expression comes to as a condition; regions inside it (``a && b``) are recorded on the way."""
        self._depth += 1
        try:
            if self._depth > DEEPEST or start >= end or end - start > _LONGEST:
                return Opaque(compiled_out=True)
            return self._one_expression(start, end)
        finally:
            self._depth -= 1

    def _operators(self, start: int, end: int) -> list[int]:
        """By level, the index of the operator outside brackets that splits an expression; -1 without."""
        found = [-1] * 6
        tokens, partners, at = self.tokens, self.partners, start
        end = min(end, self.end)
        while at < end:
            level = _LEVELS.get(tokens[at][0])
            if level is not None and (found[level] < 0 or level not in (_ASSIGNMENT, _QUESTION)):
                found[level] = at
            at = partners.get(at, at) + 1
        return found

    def _first(self, start: int, end: int, operators: frozenset[str]) -> int:
        at = start
        end = min(end, self.end)
        while at < end:
            if self.tokens[at][0] in operators:
                return at
            at = self.partners.get(at, at) + 1
        return -1

    def _one_expression(self, start: int, end: int) -> Condition:
        operators = self._operators(start, end)
        for level in (_COMMA, _ASSIGNMENT):
            if operators[level] >= 0:
                self._expression(start, operators[level])
                return self._expression(operators[level] + 1, end)
        if operators[_QUESTION] >= 0:
            return self._conditional(start, operators[_QUESTION], end)
        for level in (_OR, _AND):
            at = operators[level]
            if at >= 0:
                left = self._expression(start, at)
                right = self._expression(at + 1, end)
                self._region(at + 1, end, negate(left) if level == _OR else left)
                return either(left, right) if level == _OR else both(left, right)
        if operators[_COMPARISON] >= 0:
            return self._comparison(start, operators[_COMPARISON], end)
        return self._unary(start, end)

    def _conditional(self, start: int, question: int, end: int) -> Condition:
        condition = self._expression(start, question)
        depth, at = 0, question + 1
        while at < end:
            text = self._text(at)
            depth += (text == "?") - (text == ":")
            if depth < 0:
                break
            at = self.partners.get(at, at) + 1
        yes = self._expression(question + 1, at)
        no = self._expression(at + 1, end)
        self._region(question + 1, at, condition)
        self._region(at + 1, end, negate(condition))
        return either(both(condition, yes), both(negate(condition), no))

    def _comparison(self, start: int, at: int, end: int) -> Condition:
        operator = self._text(at)
        left, right = self._expression(start, at), self._expression(at + 1, end)
        for side, other in ((left, right), (right, left)):
            if isinstance(other, Constant) and not other.value and operator in ("==", "!="):
                return negate(side) if operator == "==" else side
        if mentions(left) or mentions(right):
            return Opaque()
        blended = _blend((left, right))
        if isinstance(blended, Runtime) and operator in ("<", ">="):
            zero = right if isinstance(right, Constant) and not right.value else None
            if zero is not None:
                return Likely(compiled_out=True) if operator == ">=" else negate(Likely(compiled_out=True))
        return blended

    def _unary(self, start: int, end: int) -> Condition:
        text = self._text(start)
        if text == "!":
            return negate(self._expression(start + 1, end))
        if text == "&" and end - start == 2 and self._text(start + 1) in self.scope.ksyms:
            return Exists(self._text(start + 1))
        if text == "(":
            close = self.partners.get(start, end)
            if close == end - 1:
                if self._text(start + 1) == "{":
                    return self._statement_expression(start + 1, min(self.partners.get(start + 1, end), end))
                return self._expression(start + 1, close)
            if close < end and self._is_cast(start, close):
                return self._expression(close + 1, end)
        if text in _TRANSPARENT and self.partners.get(start + 1) == end - 1:
            comma = self._first(start + 2, end - 1, frozenset((",",)))
            return self._expression(start + 2, end - 1 if comma < 0 else comma)
        if end - start == 1:
            return self._atom(text)
        return self._mixture(start, end)

    def _is_cast(self, start: int, close: int) -> bool:
        inside = [self._text(i) for i in range(start + 1, close)]
        return (
            bool(inside)
            and (inside[-1] == "*" or any(t in TYPE_WORDS for t in inside))
            and all(t == "*" or is_identifier(t) for t in inside)
        )

    def _statement_expression(self, brace: int, close: int) -> Condition:
        self._escaped = both(self._escaped, self._inner_block(brace + 1, close))
        last = start = brace + 1
        while start < close:
            last = start
            start = self._first(start, close, frozenset((";",)))
            if start < 0:
                break
            start += 1
        end = self._first(last, close, frozenset((";",)))
        return self._expression(last, close if end < 0 else end)

    def _atom(self, text: str) -> Condition:
        scope = self.scope
        if text[0].isdigit():
            digits = text.lower().rstrip("ul").removeprefix("0x").removeprefix("0b")
            return Constant(any(digit != "0" for digit in digits))
        if text in ("NULL", "false"):
            return Constant(False)
        if text == "true":
            return Constant(True)
        if text in self.assigned and text not in scope.globals and text not in scope.constants:
            return self._local(text)
        if text in scope.ksyms:
            return Exists(text)
        if text in scope.constants:
            return Opaque(compiled_out=scope.constants[text])
        if text in scope.globals:
            return Runtime()
        if text in scope.parameters and scope.is_program:
            return Likely()
        return Opaque(compiled_out=True)

    def _local(self, name: str) -> Condition:
        """What a local variable comes to: its one value, if it has one and nobody else can change it."""
        if name in self._known and not self._lenient:
            return self._known[name]
        values = self.assigned[name]
        if name in self._resolving or None in values:
            return Runtime() if self._lenient else Opaque(compiled_out=True)
        self._resolving.add(name)
        conditions = [self._expression(*value) for value in values if value is not None]
        self._resolving.discard(name)
        if len(conditions) == 1 and name not in self.scope.parameters:
            answer = conditions[0]
        elif all(isinstance(c, Runtime) for c in conditions) or self._lenient:
            answer = Runtime()
        elif any(mentions(c) for c in conditions):
            answer = Opaque()
        else:
            answer = Opaque(compiled_out=True)
        if not self._lenient:
            self._known[name] = answer
        return answer

    def _mixture(self, start: int, end: int) -> Condition:
        """An expression of several operands, none of them logical: known at run time if any operand is."""
        parts: list[Condition] = []
        at = start
        while at < end:
            text = self._text(at)
            if text and is_identifier(text) and self._text(at - 1) not in (".", "->"):
                if self._text(at + 1) == "(":
                    close = self.partners.get(at + 1, end)
                    comma = at + 2
                    while comma < close:
                        stop = self._expression_end(comma)
                        self._expression(comma, min(stop, close))
                        comma = stop + 1
                    call = self._call(text)
                    if end - start == close - at + 1:
                        return call
                    parts.append(Runtime() if isinstance(call, Likely) else call)
                    at = close
                elif text not in TYPE_WORDS:
                    reads = self._text(at + 1) in ("->", "[", ".") or (self._text(at - 1) == "*" and at == start + 1)
                    parts.append(self.memory(text) if reads else self._atom(text))
            elif text == "(":
                close = self.partners.get(at, end)
                if not self._is_cast(at, close):
                    parts.append(self._expression(at + 1, min(close, end)))
                at = close
            elif text and text[0].isdigit():
                parts.append(self._atom(text))
            at += 1
        if any(mentions(part) for part in parts):
            return Opaque()
        return _blend(parts)

    def memory(self, base: str) -> Condition:
        """A read through ``base``: at run time if it is a program's argument, a global, or what a helper gave."""
        scope = self.scope
        if base in scope.constants:
            return Opaque(compiled_out=scope.constants[base])
        if base in scope.globals or (base in scope.parameters and scope.is_program and base not in self.assigned):
            return Runtime()
        if base in self.assigned and isinstance(self._local(base), Likely):
            return Runtime()
        return Opaque(compiled_out=True)

    def _call(self, name: str) -> Condition:
        if name.startswith(("bpf_core_", "__bpf_core", "__builtin_preserve")):
            return Opaque()
        if name in self.scope.functions or name in self.scope.macros or name.startswith("__builtin"):
            return Opaque(compiled_out=True)
        if name in _POINTERS or name in self.scope.pointers:
            return Likely()
        return Runtime() if name.startswith(("bpf_", "scx_")) or name in self.scope.ksyms else Opaque(compiled_out=True)


def _blend(parts: Sequence[Condition]) -> Condition:
    """One condition for an expression made of ``parts``: at run time if any part is, else as opaque as the parts."""
    if any(isinstance(part, Runtime | Likely) for part in parts):
        return Runtime()
    compiled = any(not isinstance(p, Opaque) or p.compiled_out for p in parts) or not parts
    return Opaque(compiled_out=compiled)
