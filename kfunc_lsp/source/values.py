"""What the expressions of a function come to: what the verifier finds in the register of an argument.

Follows what a person sees at a glance: literals, addresses, and locals that are given one value. What may be otherwise
(a parameter, a variable that is changed, a number that a test has narrowed) is not said.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from kfunc_lsp.dataclass import replace
from kfunc_lsp.source.expand import expanded
from kfunc_lsp.source.expression import OPENING, TYPE_WORDS, Expressions, Scope
from kfunc_lsp.source.macros import Macro, reached
from kfunc_lsp.source.segment import Variable
from kfunc_lsp.source.sites import KEYWORDS
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.source.variables import address, declared
from kfunc_lsp.unit.guard import Runtime
from kfunc_lsp.unit.value import Holds, Value

_U64 = (1 << 64) - 1
_LONGEST = 100
"""Longest argument, in tokens, that is looked into."""
_DEEPEST = 20
_NUMBERS = frozenset(
    """
    bpf_ktime_get_ns bpf_ktime_get_boot_ns bpf_ktime_get_coarse_ns bpf_ktime_get_tai_ns bpf_jiffies64
    bpf_get_prandom_u32 bpf_get_smp_processor_id bpf_get_current_pid_tgid bpf_get_current_uid_gid bpf_get_current_task
    bpf_get_current_cgroup_id bpf_get_socket_cookie bpf_get_attach_cookie bpf_get_func_ip
    """.split()
)
"""Helpers that return a number which may be any."""
_LOOKUPS = frozenset(("bpf_map_lookup_elem", "bpf_map_lookup_percpu_elem"))
_ARITHMETIC = (("|",), ("^",), ("&",), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
"""Binary operators, those that bind least first."""
_OTHER_OPERATORS = frozenset("? , = == != < > <= >= && || += -= *= /= %= &= |= ^= <<= >>= ++ -- {".split())
_COMPUTE: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "|": operator.or_,
    "^": operator.xor,
    "&": operator.and_,
}
_RELATIONS = frozenset(("<", ">", "<=", ">="))
_ENDS = frozenset((")", "&&", "||", "?", ";"))
_CONSTANT = Value(Holds.CONSTANT)


class Values:
    """The values of expressions in the body that ``code`` walks.

    ``scope`` is the unit's, ``variables`` are those at file level, ``macros`` those that may be left in the tokens.
    """

    def __init__(
        self, code: Expressions, scope: Scope, variables: Mapping[str, Variable], macros: Mapping[str, Macro]
    ) -> None:
        self._code = code
        self._scope = scope
        self._variables = variables
        self._macros = macros
        self._locals = declared(code, variables)

    def of(self, start: int, end: int) -> Value | None:
        """The value of the expression in tokens ``[start, end)``; ``None`` where it is not certain."""
        return self._of(start, end, ())

    def _of(self, start: int, end: int, through: tuple[str, ...]) -> Value | None:
        """``through`` are the locals that were followed to get here."""
        if end - start > _LONGEST or len(through) > _DEEPEST:
            return None
        texts = [token[0] for token in expanded(self._code.tokens[start:end], self._macros)]
        return self._value(texts, through, 0) if len(texts) <= _LONGEST else None

    def _value(self, texts: Sequence[str], through: tuple[str, ...], depth: int) -> Value | None:
        while texts and texts[0] == "(" and _partner(texts, 0) == len(texts) - 1:
            texts = texts[1:-1]
        if not texts or depth > _DEEPEST or any(text in _OTHER_OPERATORS for text in _outside(texts)):
            return None
        at = _split(texts)
        if at > 0:
            left = self._value(texts[:at], through, depth + 1)
            return _combined(texts[at], left, self._value(texts[at + 1 :], through, depth + 1))
        first, rest = texts[0], texts[1:]
        if first == "(":
            close = _partner(texts, 0)
            return _cast(texts[1:close], self._value(texts[close + 1 :], through, depth + 1))
        if first in ("-", "~"):
            value = self._value(rest, through, depth + 1)
            return _combined("-", _number(0), value) if first == "-" else _combined("^", _number(_U64), value)
        if first == "&":
            return self._address(rest)
        if first == "sizeof":
            return _CONSTANT
        if all(text[0] == '"' for text in texts):
            return Value(Holds.READ_ONLY)
        if not rest:
            return self._atom(first, through)
        if rest[0] == "(" and _partner(texts, 1) == len(texts) - 1:
            is_helper = first in _NUMBERS and first not in self._scope.functions
            return Value(Holds.NUMBER) if is_helper else None
        return self._read(texts, through)

    def _atom(self, text: str, through: tuple[str, ...]) -> Value | None:
        if text[0].isdigit():
            return _literal(text)
        if text[0] == "'" or text == "true":
            return _CONSTANT
        if text in ("NULL", "false"):
            return _number(0)
        if not is_identifier(text):
            return None
        if text in self._locals:
            local = self._locals[text]
            if local is None:
                return None
            return address(local, is_local=True) if local.is_array else self._assigned(text, through)
        if text in self._code.scope.parameters:
            return None
        if text in self._scope.functions:
            return Value(Holds.FUNCTION)
        variable = self._variables.get(text)
        if variable is None or variable.is_array:
            return variable and address(variable)
        return self._varying((text, *through)) if self._is_changing(text) else None

    def _assigned(self, name: str, through: tuple[str, ...]) -> Value | None:
        """What a local holds: its one value, if it has one and nobody else can change it."""
        values = self._code.assigned.get(name, ())
        if len(values) != 1 or values[0] is None or name in through or self._is_hidden(name):
            return None
        if self._is_map_value(name, *values[0]):
            return Value(Holds.MAP_VALUE)
        value = self._of(*values[0], (name, *through))
        if value is None or value.holds is not Holds.NUMBER:
            return value
        tests = self._tests((name, *through))
        return None if tests is None else replace(value, is_bounded=value.is_bounded or tests > 0)

    def _is_map_value(self, name: str, start: int, end: int) -> bool:
        """Whether a local is what a lookup found in a map, and not a map in a map: it has members that are used."""
        tokens = self._code.tokens
        is_lookup = tokens[start][0] in _LOOKUPS and self._code.partners.get(start + 1) == end - 1
        return is_lookup and any(
            tokens[at][0] == name and tokens[at + 1][0] == "->" for at in range(end, self._code.end - 1)
        )

    def _address(self, texts: Sequence[str]) -> Value | None:
        """The value of ``&x``, of ``&x.member`` where ``x`` is no pointer, of ``&x[i]`` where it is an array."""
        while texts and texts[0] == "(" and _partner(texts, 0) == len(texts) - 1:
            texts = texts[1:-1]
        name = texts[0] if texts else ""
        if not name or not is_identifier(name) or "->" in texts or name in KEYWORDS:
            return None
        parameters = self._code.scope.parameters
        local = self._locals.get(name)
        variable = local if name in self._locals else self._variables.get(name)
        if variable is None:
            is_function = name in self._scope.functions and name not in self._locals and name not in parameters
            return Value(Holds.FUNCTION) if is_function and len(texts) == 1 else None
        if len(texts) > 1 and texts[1] == "[" and not variable.is_array:
            return None
        if name in parameters or any(text == "[" for text in texts[2:]):
            return None
        return address(variable, is_local=local is not None)

    def _read(self, texts: Sequence[str], through: tuple[str, ...]) -> Value | None:
        """The value of ``p->member``, ``global.member`` or ``*p``: nothing that the verifier knows, if it is memory."""
        base, member = texts[0], texts[-1]
        if base == "*":
            inner = list(texts[1:])
            while inner and inner[0] == "(":
                close = _partner(inner, 0)
                inner = inner[1:-1] if close == len(inner) - 1 else inner[close + 1 :]
            if len(inner) != 1 or not is_identifier(inner[0]) or inner[0] in through:
                return None
            base = member = inner[0]
        elif not all(is_identifier(t) if i % 2 == 0 else t in (".", "->") for i, t in enumerate(texts)):
            return None
        is_variable = base in self._variables
        if is_variable and not self._is_changing(base):
            return None
        is_memory = is_variable or isinstance(self._code.memory(base), Runtime)
        return self._varying((member, *through)) if is_memory and not self._is_hidden(base) else None

    def _varying(self, names: Sequence[str]) -> Value | None:
        """A value read from memory that goes by ``names``, unless something may have told the verifier more of it."""
        tests = self._tests(names)
        calls_others = any(call in self._scope.functions for call, _ in self._calls)
        return None if calls_others or tests is None else Value(Holds.VARYING, is_bounded=tests > 0)

    def _is_changing(self, name: str) -> bool:
        """Whether a variable at file level is memory that the verifier knows nothing of."""
        is_data = address(self._variables[name]) == Value(Holds.DATA)
        return is_data and name in self._scope.globals and name not in self._locals

    def _tests(self, names: Sequence[str]) -> int | None:
        """How often a number that goes by ``names`` is compared with a bound; ``None`` where it may be known by tests.

        Each name may be passed to helpers and kfuncs, and once be compared; a local may be given its value.
        """
        code = self._code
        followed = [code.assigned[name][0] for name in names if name in self._locals]
        found = 0
        for name in names:
            places = [at for at in range(code.start, code.end) if code.tokens[at][0] == name]
            tests = [at for at in places if not self._is_declared(at) and not self._is_passed(at, followed)]
            if self._is_hidden(name) or len(tests) > 1 or not all(self._is_compared(at) for at in tests):
                return None
            found += len(tests)
        return found

    def _is_compared(self, at: int) -> bool:
        """Whether the name at ``at`` is compared with a constant that leaves more than one choice."""
        tokens = self._code.tokens
        if tokens[at + 1][0] not in _RELATIONS:
            return False
        end = at + 2
        while end < self._code.end and tokens[end][0] not in _ENDS:
            end = self._code.partners.get(end, end) + 1
        bound = self._of(at + 2, end, ())
        return bound is not None and bound.holds is Holds.CONSTANT and bound.number not in (0, 1)

    def _is_declared(self, at: int) -> bool:
        """Whether the name at ``at`` is a local that is declared or given its value."""
        before, name, after = (token[0] for token in self._code.tokens[at - 1 : at + 2])
        is_declarator = after in (";", ",") and is_identifier(before) and before not in KEYWORDS
        return name in self._locals and before not in (".", "->") and (after == "=" or is_declarator)

    def _is_passed(self, at: int, followed: Sequence[tuple[int, int] | None]) -> bool:
        """Whether the name at ``at`` is in an argument of a helper or kfunc, or in a value that is ``followed``."""
        code = self._code
        for call, opening in self._calls:
            if opening < at < code.partners[opening]:
                is_kernel = call.startswith("bpf_") or call in code.scope.ksyms
                if not is_kernel or call in self._scope.functions or call in self._macros:
                    return False
                inside = [token[0] for token in code.tokens[opening + 1 : code.partners[opening]]]
                return not any(text in _OTHER_OPERATORS - {","} for text in inside)
        return any(value is not None and value[0] <= at < value[1] for value in followed)

    @cached_property
    def _calls(self) -> Sequence[tuple[str, int]]:
        """Names before a ``(`` and where that is, inner ones first."""
        code = self._code
        found = [
            (code.tokens[at - 1][0], at)
            for at in range(code.start + 1, code.end)
            if code.tokens[at][0] == "(" and is_identifier(code.tokens[at - 1][0])
        ]
        return found[::-1]

    def _is_hidden(self, name: str) -> bool:
        """Whether a macro that was left as it stands may change ``name`` without naming it there."""
        return name in self._in_macros

    @cached_property
    def _in_macros(self) -> frozenset[str]:
        """Identifiers in the bodies of the macros that are used in the body, and of those that these use."""
        texts = {token[0] for token in self._code.tokens[self._code.start : self._code.end]}
        return frozenset(reached(texts, self._macros))


def _partner(texts: Sequence[str], opening: int) -> int:
    """Index of the bracket that closes the one at ``opening``; the end without one."""
    depth = 0
    for at in range(opening, len(texts)):
        depth += (texts[at] in OPENING) - (texts[at] in OPENING.values())
        if depth == 0:
            return at
    return len(texts)


def _outside(texts: Sequence[str]) -> Iterator[str]:
    """The tokens that are in no bracket."""
    at = 0
    while at < len(texts):
        yield texts[at]
        at = _partner(texts, at) if texts[at] in OPENING else at
        at += 1


def _is_cast(inside: Sequence[str]) -> bool:
    return (
        bool(inside)
        and (inside[-1] == "*" or any(text in TYPE_WORDS for text in inside))
        and all(text == "*" or is_identifier(text) for text in inside)
    )


def _split(texts: Sequence[str]) -> int:
    """Index of the binary operator that binds least and stands last; -1 without one."""
    found: dict[str, int] = {}
    at = 0
    has_left = False
    while at < len(texts):
        text = texts[at]
        if text in OPENING:
            close = _partner(texts, at)
            is_cast = text == "(" and not has_left and _is_cast(texts[at + 1 : close])
            has_left = not is_cast
            at = close
        elif (has_left and text in "|^&+-*/%") or text in ("<<", ">>"):
            found[text] = at
            has_left = False
        else:
            has_left = (is_identifier(text) and text != "sizeof") or text[0].isdigit() or text[0] in "\"'"
        at += 1
    for operators in _ARITHMETIC:
        places = [found[operator_] for operator_ in operators if operator_ in found]
        if places:
            return max(places)
    return -1


def _number(number: int) -> Value:
    return Value(Holds.CONSTANT, number & _U64)


def _literal(text: str) -> Value:
    digits = text.lower().rstrip("ul")
    try:
        is_octal = digits.isdigit() and digits.startswith("0")
        return _number(int(digits, 8) if is_octal else int(digits, 0))
    except ValueError:
        return _CONSTANT


def _cast(type_: Sequence[str], value: Value | None) -> Value | None:
    """``value`` as another type; what a constant becomes of which a part may be cut off is not followed."""
    if value is None or not _is_cast(type_):
        return None
    is_kept = value.number is None or value.number < 128 or type_[-1] == "*"
    return value if is_kept else _CONSTANT


def _combined(operator_: str, left: Value | None, right: Value | None) -> Value | None:
    """The value of ``left OP right``."""
    if left is None or right is None:
        return None
    is_constant = right.holds is Holds.CONSTANT
    if left.holds is Holds.CONSTANT and is_constant:
        compute = _COMPUTE.get(operator_)
        if compute is None or left.number is None or right.number is None:
            return _CONSTANT
        return _number(compute(left.number, right.number))
    if left.holds in (Holds.STACK, Holds.DATA, Holds.READ_ONLY):
        return left if operator_ in ("+", "-") and is_constant else None
    if left.holds not in (Holds.NUMBER, Holds.VARYING) or not is_constant:
        return None
    if operator_ in ("+", "-"):
        return left
    if not _leaves_choice(operator_, right.number):
        return None
    return replace(left, is_bounded=left.is_bounded or operator_ in ("&", "%"))


def _leaves_choice(operator_: str, number: int | None) -> bool:
    """Whether ``x OP number`` is still no constant, even of a small type."""
    if number is None:
        return False
    if operator_ == "&":
        return bool(number & 1)
    return (
        1 < number < 128
        if operator_ == "%"
        else (operator_ == "*" and 0 < number < 128) or (operator_ == "<<" and number < 4)
    )
