"""Which conditions stand over each token of a function's body.

A structural walk over statements, tolerant of broken code: what is not understood adds no condition. What a condition
comes to is ``expression``'s business.
"""

from __future__ import annotations

from kfunc_lsp.source.expression import DEEPEST, Expressions
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.guard import Both, Condition, Constant, Not, Opaque, Runtime

_EXITS = frozenset(("return", "goto", "break", "continue"))


class Flow(Expressions):
    """Conditions over the tokens of one body."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._block(self.start + 1, self.end - 1)

    def over(self, at: int) -> tuple[Condition, ...]:
        """The conditions over token ``at``, outermost first."""
        return tuple(c for start, end, c in sorted(self.regions, key=lambda r: (r[0], -r[1])) if start <= at < end)

    def _block(self, start: int, end: int) -> None:
        at = start
        since = len(self.regions)
        while at < end:
            colon = self._label_end(at, end)
            if colon >= 0:
                self._enter(since, at, by_switch=self._text(at) in ("case", "default"))
                at = colon + 1
                continue
            following, exits = self._statement(at, end)
            if exits is not None and following < end:
                self._region(following, end, exits)
            at = max(following, at + 1)

    def _label_end(self, at: int, end: int) -> int:
        """Index of the ``:`` of a label that stands at ``at``, -1 without one."""
        text = self._text(at)
        if text in ("case", "default"):
            return self._first(at, end, frozenset((":",)))
        return at + 1 if self._text(at + 1) == ":" and at + 1 < end and is_identifier(text) else -1

    def _enter(self, since: int, at: int, by_switch: bool) -> None:
        """Code may be entered here past the conditions of an early exit.

        After a case label they do not hold; after another label it depends on who jumps there, which is not followed.
        """
        for index in range(since, len(self.regions)):
            start, end, condition = self.regions[index]
            if start <= at < end:
                self.regions[index] = (start, at, condition)
                if not by_switch:
                    self.regions.append((at, end, Opaque()))

    def _statement(self, at: int, limit: int) -> tuple[int, Condition | None]:
        """Walk the statement at ``at``: index after it, and what holds behind it because it else left the block."""
        self._depth += 1
        try:
            if self._depth > DEEPEST:
                return limit, None
            return self._one_statement(at, limit)
        finally:
            self._depth -= 1

    def _one_statement(self, at: int, limit: int) -> tuple[int, Condition | None]:
        text = self._text(at)
        if text == "{":
            close = min(self._partners.get(at, limit), limit)
            self._block(at + 1, close)
            return close + 1, None
        if text == "if" and self._text(at + 1) == "(":
            return self._if(at, limit)
        if text in ("while", "for", "switch") and self._text(at + 1) == "(":
            return self._loop(at, limit), None
        if text in ("else", "do"):
            return self._statement(at + 1, limit)[0], None
        end = at
        while end < limit and self._text(end) not in (";", "{", "}"):
            end = self._partners.get(end, end) + 1
        end = min(end, limit)
        self._expression(at, end)
        return end + (self._text(end) in (";", "}") and end < limit), None

    def _if(self, at: int, limit: int) -> tuple[int, Condition | None]:
        close = min(self._partners.get(at + 1, limit), limit)
        condition = self._expression(at + 2, close)
        body = close + 1
        after, _ = self._statement(body, limit)
        self._region(body, after, condition)
        leaves = self._leaves(body, after)
        if self._text(after) != "else" or after >= limit:
            return after, Not(condition) if leaves else None
        otherwise = after + 1
        end, inner = self._statement(otherwise, limit)
        self._region(otherwise, end, Not(condition))
        if leaves:
            return end, Not(condition) if inner is None else Both(Not(condition), inner)
        if self._leaves(otherwise, end):
            return end, condition
        return end, None

    def _loop(self, at: int, limit: int) -> int:
        keyword = self._text(at)
        close = min(self._partners.get(at + 1, limit), limit)
        first, last = at + 2, close
        step = close
        if keyword == "for":
            parts = [i for i in range(at + 2, close) if self._text(i) == ";" and self._top(at + 2, i)]
            if len(parts) == 2:
                self._expression(at + 2, parts[0])
                first, last = parts[0] + 1, parts[1]
                step = parts[1] + 1
        condition: Condition = Constant(True) if first >= last else self._expression(first, last)
        if keyword == "switch":
            condition = Runtime() if isinstance(condition, Runtime) else Opaque(compiled_out=True)
        after, _ = self._statement(close + 1, limit)
        if not isinstance(condition, Constant):
            self._region(min(step, close + 1), after, condition)
        return after

    def _top(self, start: int, at: int) -> bool:
        """Whether ``at`` is in no bracket that opens at or after ``start``."""
        index = start
        while index < at:
            index = self._partners.get(index, index) + 1
        return index == at

    def _leaves(self, start: int, end: int) -> bool:
        """Whether the statement ``[start, end)`` always leaves the block that it is in."""
        if self._text(start) == "{":
            close = self._partners.get(start, end)
            last = -1
            at = start + 1
            while at < close:
                last = at
                following = at
                while following < close and self._text(following) not in (";", "{"):
                    following = self._partners.get(following, following) + 1
                if self._text(following) == "{":
                    following = self._partners.get(following, following)
                at = following + 1
            return last >= 0 and self._text(last) in _EXITS
        return self._text(start) in _EXITS
