"""Which conditions stand over each token of a function's body.

A structural walk over statements, tolerant of broken code: what is not understood adds no condition. What a condition
comes to is ``expression``'s business.
"""

from __future__ import annotations

from functools import cached_property

from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.source.expression import DEEPEST, Expressions
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.guard import Condition, Constant, Likely, Opaque, Runtime, both, either, mentions, negate

_TRUE, _FALSE = Constant(True), Constant(False)
_ENDS = frozenset(("bpf_throw", "__builtin_unreachable", "__builtin_trap"))
_ASSERTIONS = frozenset(("bpf_assert", "bpf_assert_with"))


class Passing(NamedTuple):
    """How control leaves a statement that ends before token ``end``.

    ``on`` is the condition under which the next statement is reached, ``stays`` the one under which the function is
    not left (so that, after a ``break``, the end of the loop is reached).
    """

    end: int
    on: Condition
    stays: Condition


class Flow(Expressions):
    """Conditions over the tokens of one body."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._labels: list[tuple[int, int]] = []
        self._switches: list[int] = []
        self._over: dict[int, tuple[Condition, ...]] = {}

    def over(self, at: int) -> tuple[Condition, ...]:
        """The conditions over token ``at``, outermost first."""
        if at not in self._over:
            self._over[at] = tuple(condition for start, end, condition in self._sorted if start <= at < end)
        return self._over[at]

    @cached_property
    def _sorted(self) -> list[tuple[int, int, Condition]]:
        """The regions of the whole body, walked when a rule asks for the first time."""
        self.regions = []
        self._block(self.start + 1, self.end - 1)
        self._enter_labels()
        return sorted(self.regions, key=lambda region: (region[0], -region[1]))

    def _block(self, start: int, end: int) -> Passing:
        at = start
        on: Condition = _TRUE
        stays: Condition = _TRUE
        while at < end:
            colon = self._label(at, end)
            if colon >= 0:
                on = _TRUE if self._text(at) in ("case", "default") else Opaque()
                at = colon + 1
                continue
            passing = self._statement(at, end)
            stays = both(stays, either(negate(on), passing.stays))
            if not _is_plain(passing.on):
                self._region(passing.end, end, passing.on)
            on = both(on, passing.on)
            at = max(passing.end, at + 1)
        return Passing(end, on, stays)

    def _label(self, at: int, end: int) -> int:
        """Index of the ``:`` of a label that stands at ``at``, which is remembered; -1 without one."""
        text = self._text(at)
        by_switch = text in ("case", "default")
        if by_switch:
            colon = self._first(at, end, frozenset((":",)))
        else:
            colon = at + 1 if self._text(at + 1) == ":" and at + 1 < end and is_identifier(text) else -1
        if colon >= 0:
            self._labels.append((at, self._switches[-1] if by_switch and self._switches else -1))
        return colon

    def _enter_labels(self) -> None:
        """Code may be entered at a label past the conditions over it.

        At a case label those that began inside its switch do not hold; at another label it depends on who jumps there,
        which is not followed.
        """
        for label, switch in self._labels:
            kept: list[tuple[int, int, Condition]] = []
            furthest = label
            for start, end, condition in self.regions:
                if not switch < start <= label < end or isinstance(condition, Opaque):
                    kept.append((start, end, condition))
                    continue
                furthest = max(furthest, end)
                if start < label:
                    kept.append((start, label, condition))
            if switch < 0 and furthest > label:
                kept.append((label, furthest, Opaque()))
            self.regions = kept

    def _statement(self, at: int, limit: int) -> Passing:
        """Walk the statement at ``at``."""
        self._depth += 1
        try:
            if self._depth > DEEPEST:
                return Passing(limit, Opaque(), Opaque())
            return self._one_statement(at, limit)
        finally:
            self._depth -= 1

    def _one_statement(self, at: int, limit: int) -> Passing:
        colon = self._label(at, limit)
        if colon >= 0:
            return self._statement(colon + 1, limit)
        text = self._text(at)
        if text == "{":
            close = min(self.partners.get(at, limit), limit)
            return self._block(at + 1, close)._replace(end=close + 1)
        if text == "if" and self._text(at + 1) == "(":
            return self._if(at, limit)
        if text in ("while", "for", "switch") and self._text(at + 1) == "(":
            return self._loop(at, limit)
        if text == "do":
            return self._do(at, limit)
        if text == "else":
            return self._statement(at + 1, limit)
        end = at
        while end < limit and self._text(end) not in (";", "{", "}"):
            end = self.partners.get(end, end) + 1
        end = min(end, limit)
        outer, self._escaped = self._escaped, _TRUE
        self._expression(at + (text == "return"), end)
        escaped, self._escaped = self._escaped, outer
        end += self._text(end) in (";", "}") and end < limit
        if text in ("return", "goto") or text in _ENDS:
            return Passing(end, _FALSE, _FALSE)
        if text in ("break", "continue"):
            return Passing(end, _FALSE, _TRUE)
        if text in _ASSERTIONS:
            return Passing(end, Opaque(), Opaque())
        return Passing(end, escaped, escaped)

    def _inner_block(self, start: int, end: int) -> Condition:
        return self._block(start, end).on

    def _if(self, at: int, limit: int) -> Passing:
        close = min(self.partners.get(at + 1, limit), limit)
        condition = self._expression(at + 2, close)
        yes = self._statement(close + 1, limit)
        self._region(close + 1, yes.end, condition)
        no = Passing(yes.end, _TRUE, _TRUE)
        if self._text(yes.end) == "else" and yes.end < limit:
            no = self._statement(yes.end + 1, limit)
            self._region(yes.end + 1, no.end, negate(condition))
        return Passing(no.end, _choice(condition, yes.on, no.on), _choice(condition, yes.stays, no.stays))

    def _do(self, at: int, limit: int) -> Passing:
        body = self._statement(at + 1, limit)
        end = body.end
        if self._text(end) == "while" and self._text(end + 1) == "(":
            close = self.partners.get(end + 1, limit)
            self._expression(end + 2, min(close, limit))
            end = min(close + 1, limit)
            end += self._text(end) == ";" and end < limit
        return Passing(end, body.stays, body.stays)

    def _loop(self, at: int, limit: int) -> Passing:
        keyword = self._text(at)
        close = min(self.partners.get(at + 1, limit), limit)
        first, last, step = at + 2, close, close
        if keyword == "for":
            parts = [i for i in range(at + 2, close) if self._text(i) == ";" and self._top(at + 2, i)]
            if len(parts) == 2:
                self._expression(at + 2, parts[0])
                first, last = parts[0] + 1, parts[1]
                step = parts[1] + 1
        self._lenient += 1
        condition: Condition = _TRUE if first >= last else self._expression(first, last)
        self._lenient -= 1
        if keyword == "switch":
            condition = Runtime() if isinstance(condition, Runtime) else Opaque(compiled_out=True)
            self._switches.append(close)
        body = self._statement(close + 1, limit)
        if keyword == "switch":
            self._switches.pop()
        if condition != _TRUE:
            self._region(min(step, close + 1), body.end, condition)
        on = _TRUE if _is_plain(body.stays) else Opaque()
        return Passing(body.end, on, on)

    def _top(self, start: int, at: int) -> bool:
        """Whether ``at`` is in no bracket that opens at or after ``start``."""
        index = start
        while index < at:
            index = self.partners.get(index, index) + 1
        return index == at


def _choice(condition: Condition, yes: Condition, no: Condition) -> Condition:
    if yes == no:
        return yes
    return either(both(condition, yes), both(negate(condition), no))


def _is_plain(condition: Condition) -> bool:
    """Whether a condition says nothing about what the verifier sees: it may always hold."""
    if isinstance(condition, Constant):
        return condition.value
    return isinstance(condition, Runtime | Likely) and not mentions(condition)
