"""Expressions of C as trees. Tolerant: what is no expression becomes a ``nothing`` node, and no token stops the reader.

What the trees mean is ``steps``' business.
"""

from __future__ import annotations

from collections.abc import Sequence

from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.source.text import is_identifier

_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())
_BRACKETS = _CLOSING.union(_OPENING)
_ASSIGNMENTS = frozenset("= += -= *= /= %= &= |= ^= <<= >>=".split())
_BINARY = {
    operator: level
    for level, operators in enumerate(("||", "&&", "|", "^", "&", "== !=", "< > <= >=", "<< >>", "+ -", "* / %"))
    for operator in operators.split()
}
_PREFIXES = frozenset(("!", "~", "-", "+", "*", "&", "++", "--", "__extension__", "&&"))
_POSTFIXES = frozenset(("(", "[", ".", "->", "++", "--"))
_UNEVALUATED = frozenset(
    """
    sizeof _Alignof __alignof__ alignof typeof __typeof__ __typeof _Static_assert __builtin_types_compatible_p
    __builtin_constant_p __builtin_offsetof offsetof __builtin_preserve_field_info __builtin_preserve_type_info
    __builtin_preserve_enum_value __builtin_btf_type_id __builtin_object_size __builtin_dynamic_object_size
    """.split()
)
_UNCLEAR = frozenset(("_Generic", "__builtin_choose_expr"))
_NO_NAMES = _PREFIXES | _UNEVALUATED | _UNCLEAR
TYPE_WORDS = frozenset(
    """
    struct union enum const volatile unsigned signed int long short char bool _Bool void float double u8 u16 u32 u64 s8
    s16 s32 s64 __u8 __u16 __u32 __u64 __s8 __s16 __s32 __s64 size_t typeof __typeof__ __typeof __auto_type
    restrict __restrict __int128 __attribute__ __be16 __be32 __be64 __le32 __le64
    """.split()
)
_DEEPEST = 60


class Node(NamedTuple):
    """One node: ``text`` is a name, number, field or operator; ``at`` its token; ``end`` where a block's tokens end."""

    kind: str
    text: str
    children: tuple[Node, ...]
    at: int
    end: int = -1


class Reader:
    """Reads expressions from ``texts``, the tokens of one function."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.partners = _partners(texts)
        self._at = 0
        self._end = 0
        self._depth = 0

    def expression(self, start: int, end: int) -> Node:
        """The expression in tokens ``[start, end)``."""
        if end - start == 1:  # as most are
            text = self.texts[start]
            if is_identifier(text) and text not in _NO_NAMES:
                return Node("name", text, (), start)
        outer = self._at, self._end
        self._at, self._end = start, end
        children = []
        while self._at < self._end:
            before = self._at
            children.append(self._comma())
            if self._at == before or self._text in _CLOSING:
                self._at += 1
        self._at, self._end = outer
        return children[0] if len(children) == 1 else Node("comma", "", tuple(children), start)

    def close(self, at: int, limit: int) -> int:
        """Index of the bracket that closes the one at ``at``, at most ``limit``."""
        return min(self.partners.get(at, limit), limit)

    def first(self, start: int, end: int, wanted: frozenset[str]) -> int:
        """Index of the first token of ``wanted`` outside brackets, ``end`` without one."""
        at = start
        while at < end:
            if self.texts[at] in wanted:
                return at
            at = self.partners.get(at, at) + 1
        return end

    @property
    def _text(self) -> str:
        return self.texts[self._at] if self._at < self._end else ""

    def _comma(self) -> Node:
        at = self._at
        first = self._assignment()
        if self._text != ",":
            return first
        found = [first]
        while self._text == ",":
            self._at += 1
            found.append(self._assignment())
        return Node("comma", "", tuple(found), at)

    def _assignment(self) -> Node:
        self._depth += 1
        try:
            if self._depth > _DEEPEST:
                self._at = self._end
                return Node("nothing", "", (), self._at)
            left = self._choice()
            if self._text in _ASSIGNMENTS:
                operator, at = self._text, self._at
                self._at += 1
                return Node("assign", operator, (left, self._assignment()), at)
            return left
        finally:
            self._depth -= 1

    def _choice(self) -> Node:
        condition = self._binary(0)
        if self._text != "?":
            return condition
        at = self._at
        self._at += 1
        yes = condition if self._text == ":" else self._comma()
        if self._text == ":":
            self._at += 1
        return Node("choice", "", (condition, yes, self._assignment()), at)

    def _binary(self, least: int) -> Node:
        left = self._unary()
        while (level := _BINARY.get(self._text, -1)) >= least:
            operator, at = self._text, self._at
            self._at += 1
            left = Node("binary", operator, (left, self._binary(level + 1)), at)
        return left

    def _unary(self) -> Node:
        text, at = self._text, self._at
        if text in _PREFIXES:
            self._at += 1
            if text == "&&":
                self._at += 1
                return Node("nothing", "", (), at)
            return Node("prefix", text, (self._unary(),), at)
        if text in _UNEVALUATED:
            self._at += 1
            if self._text == "(":
                self._at = self.close(self._at, self._end) + 1
            elif text == "sizeof":
                self._unary()
            return Node("nothing", "", (), at)
        if text == "(" and self._is_cast():
            self._at = self.close(at, self._end) + 1
            if self._text == "{":
                return self._postfix(self._braces())
            return Node("cast", "", (self._unary(),), at)
        return self._postfix(self._primary())

    def _is_cast(self) -> bool:
        close = self.close(self._at, self._end)
        inner = self.texts[self._at + 1 : close]
        if not inner or inner[0] == "{":
            return False
        if inner[0] in TYPE_WORDS:
            return True
        if not is_identifier(inner[0]) or any(text != "*" for text in inner[1:]):
            return False
        following = self.texts[close + 1] if close + 1 < self._end else ""
        return len(inner) > 1 or (bool(following) and (is_identifier(following) or following[0].isdigit()))

    def _braces(self) -> Node:
        at = self._at
        close = self.close(at, self._end)
        children = []
        start = at + 1
        while start < close:
            stop = self.first(start, close, frozenset((",",)))
            if self.texts[start] in (".", "["):
                start = min(self.first(start, stop, frozenset(("=",))) + 1, stop)
            children.append(self.expression(start, stop))
            start = stop + 1
        self._at = min(close + 1, self._end)
        return Node("braces", "", tuple(children), at)

    def _primary(self) -> Node:
        text, at = self._text, self._at
        if not text or text in (";", ",", ":") or text in _CLOSING:
            return Node("nothing", "", (), at)
        self._at += 1
        if text == "(":
            close = self.close(at, self._end)
            if self._text == "{":
                node = Node("block", "", (), at + 2, self.close(at + 1, close))
            else:
                node = self.expression(at + 1, close)
            self._at = min(close + 1, self._end)
            return node
        if text == "{":
            self._at = at
            return self._braces()
        if text[0].isdigit() or text[0] == "'":
            return Node("number", text, (), at)
        if text[0] == '"':
            while self._text[:1] == '"':
                self._at += 1
            return Node("string", "", (), at)
        if text in _UNCLEAR:
            self._at = self.close(self._at, self._end) + 1 if self._text == "(" else self._at
            return Node("unclear", "", (), at, self._at)
        return Node("name", text, (), at) if is_identifier(text) else Node("nothing", "", (), at)

    def _postfix(self, node: Node) -> Node:
        while (text := self._text) in _POSTFIXES:
            at = self._at
            if text == "(":
                close = self.close(at, self._end)
                node = Node("call", "", (node, *self._arguments(at + 1, close)), node.at)
                self._at = min(close + 1, self._end)
            elif text == "[":
                close = self.close(at, self._end)
                node = Node("index", "", (node, self.expression(at + 1, close)), at)
                self._at = min(close + 1, self._end)
            elif text in (".", "->"):
                name = self.texts[at + 1] if at + 1 < self._end else ""
                node = Node("arrow" if text == "->" else "dot", name, (node,), at)
                self._at = min(at + 2, self._end)
            else:
                node = Node("postfix", text, (node,), at)
                self._at += 1
        return node

    def _arguments(self, start: int, close: int) -> list[Node]:
        found = []
        while start < close:
            stop = self.first(start, close, frozenset((",",)))
            found.append(self.expression(start, stop))
            start = stop + 1
        return found


def _partners(texts: Sequence[str]) -> dict[int, int]:
    """The closing bracket of each opening one, by index; what is never closed ends with the tokens."""
    partners: dict[int, int] = {}
    stack: list[tuple[str, int]] = []
    for at in [at for at, text in enumerate(texts) if text in _BRACKETS]:
        text = texts[at]
        if text in _OPENING:
            stack.append((_OPENING[text], at))
        else:
            while stack:
                wanted, opened = stack.pop()
                partners[opened] = at
                if wanted == text:
                    break
    for _, opened in stack:
        partners[opened] = len(texts)
    return partners
