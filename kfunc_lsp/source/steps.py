"""The graph (``unit.graph``) of one function, from its tokens with all macros expanded.

Follows C's statements: loops, ``switch``, labels, ``break``, ``cleanup`` attributes, statement expressions, assembler
with jumps. What one expression does is ``lower``'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kfunc_lsp.source.locals import KEYWORDS, Declarations
from kfunc_lsp.source.lower import Scope, TooMuch, Variable
from kfunc_lsp.source.syntax import Node
from kfunc_lsp.source.text import is_identifier
from kfunc_lsp.unit.graph import (
    Address,
    Block,
    Branch,
    Call,
    Choose,
    Do,
    Exit,
    Expression,
    Go,
    Graph,
    Leave,
    Stop,
    Unclear,
    targets,
)

_DEEPEST = 50
_LONGEST = 20_000
_NO_RETURN = frozenset(("bpf_throw", "__builtin_unreachable", "__builtin_trap"))
_EFFECTS = frozenset(("return", "goto", "break", "continue", "->"))


class _Target:
    """Where ``break`` and ``continue`` go, -1 where they may not; ``depth`` is how many scopes are open there."""

    def __init__(self, depth: int, after: int, again: int) -> None:
        self.depth = depth
        self.after = after
        self.again = again


def graph_of(texts: Sequence[str], parameters: Sequence[str]) -> Graph | None:
    """The graph of a body whose tokens are ``texts``, braces excluded; ``None`` where it is too much to look at."""
    if not 0 < len(texts) <= _LONGEST:
        return None
    try:
        return _Statements(texts).graph(parameters)
    except (TooMuch, RecursionError):
        return None


class _Statements(Declarations):
    """Builds blocks from statements."""

    def __init__(self, texts: Sequence[str]) -> None:
        super().__init__(texts)
        self.loops: dict[int, set[str]] = {}
        self._targets: list[_Target] = []
        self._switches: list[tuple[int, list[int]]] = []
        self._labels: dict[str, tuple[int, tuple[Scope, ...]]] = {}
        self._jumps: list[tuple[str, int, tuple[Scope, ...]]] = []
        self._depth = 0

    def graph(self, parameters: Sequence[str]) -> Graph:
        """The whole function."""
        for name in parameters:
            self.declare(name, Variable())
        everything: set[str] = set()
        self.changed.append(everything)
        self._list(0, len(self.texts))
        self._return(None, len(self.texts))
        self._connect(everything)
        blocks, loops = _straightened(self.blocks, self.loops)
        return Graph(blocks, loops, frozenset(self.addressed), tuple(parameters), frozenset(self.outside))

    def _connect(self, everything: set[str]) -> None:
        """Give each ``goto`` its label, by way of the scopes that it leaves."""
        for label, block, scopes in self._jumps:
            found = self._labels.get(label)
            if found is None:
                continue
            target, kept = found
            self.current = block
            for scope in reversed(scopes):
                if scope not in kept:
                    self._clean(scope)
            self.leave_to(Go(target), target)
            if block > target:
                self.loops.setdefault(target, set()).update(everything)

    def _clean(self, scope: Scope) -> None:
        for function, local, at in reversed(scope.cleanups):
            self.emit(Do(Call(function, (Address(local),), at)))

    def _unwind(self, depth: int) -> None:
        for scope in reversed(self.scopes[depth:]):
            self._clean(scope)

    def _list(self, start: int, end: int) -> None:
        at = start
        while at < end:
            at = max(self._statement(at, end), at + 1)

    def _statements(self, start: int, end: int, last: Callable[[Node], None]) -> None:
        self.scopes.append(Scope())
        at = start
        while (at := self._statement_start(at, end)) < end:
            stop = self.reader.first(at, end, frozenset((";",)))
            if self._is_expression(at, end) and all(text == ";" for text in self.texts[stop:end]):
                last(self.reader.expression(at, stop))
                break
            at = max(self._statement(at, end), at + 1)
        self._clean(self.scopes.pop())

    def _statement_start(self, at: int, end: int) -> int:
        """The token after the labels and stray ``;`` at ``at``."""
        while at < end and (self.texts[at] == ";" or self._is_label(at, end)):
            at = at + 1 if self.texts[at] == ";" else self._label(at, end)
        return at

    def _is_expression(self, at: int, end: int) -> bool:
        text = self.texts[at] if at < end else "{"
        return text not in KEYWORDS and text not in ("{", "__label__") and not self.is_declaration(at, end)

    def _is_label(self, at: int, end: int) -> bool:
        text = self.texts[at]
        if text in ("case", "default"):
            return True
        following = self.texts[at + 1] if at + 1 < end else ""
        return following == ":" and is_identifier(text)

    def _label(self, at: int, end: int) -> int:
        text = self.texts[at]
        block = self.new_block()
        self.leave_to(Go(block), block)
        if text in ("case", "default"):
            colon = self.reader.first(at, end, frozenset((":",)))
            if self._switches:
                self._switches[-1][1].append(block)
                if text == "default":
                    self._switches[-1][1].append(-1)
            return colon + 1
        self._labels[text] = (block, tuple(self.scopes))
        return at + 2

    def _statement(self, at: int, end: int) -> int:
        """Lower the statement at ``at``; the token after it."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise TooMuch
        try:
            at = self._statement_start(at, end)
            return self._one(at, end) if at < end else end
        finally:
            self._depth -= 1

    def _one(self, at: int, end: int) -> int:
        text = self.texts[at]
        following = self.texts[at + 1] if at + 1 < end else ""
        if text == "{":
            close = self.reader.close(at, end)
            self.scopes.append(Scope())
            self._list(at + 1, close)
            self._clean(self.scopes.pop())
            return close + 1
        if following == "(" and text in ("if", "while", "for", "switch"):
            return {"if": self._if, "while": self._while, "for": self._for, "switch": self._switch}[text](at, end)
        if text == "do":
            return self._do(at, end)
        if text == "else":
            return self._statement(at + 1, end)
        stop = self.reader.first(at, end, frozenset((";",)))
        if text in ("asm", "__asm__", "__asm"):
            self._assembler(at, stop)
        elif text == "return":
            self._return(self.value(self.reader.expression(at + 1, stop)) if stop > at + 1 else None, at)
        elif text in ("break", "continue"):
            self._jump_out(text)
        elif text == "goto":
            self._jumps.append((following, self.current, tuple(self.scopes)))
            self.current = self.new_block()
        elif text in _NO_RETURN:
            self._stop()
        elif self.is_declaration(at, end):
            self.declaration(at, stop)
        elif text != "__label__":
            self.emit(Do(self.value(self.reader.expression(at, stop))))
        return stop + 1

    def _stop(self) -> None:
        self.leave_to(Stop(), self.new_block())

    def _return(self, value: Expression | None, at: int) -> None:
        if value is not None and any(scope.cleanups for scope in self.scopes):
            value = self.temporary(value)
        self._unwind(0)
        self.leave_to(Leave(value, at), self.new_block())

    def _jump_out(self, text: str) -> None:
        found = next((t for t in reversed(self._targets) if text == "break" or t.again >= 0), None)
        if found is None:
            self._stop()
            return
        self._unwind(found.depth)
        self.leave_to(Go(found.after if text == "break" else found.again), self.new_block())

    def _if(self, at: int, end: int) -> int:
        close = self.reader.close(at + 1, end)
        yes, no = self.new_block(), self.new_block()
        head = self.current
        condition = self.reader.expression(at + 2, close)
        first = len(self.blocks)
        self.condition(condition, yes, no)
        branches = [head, *range(first, len(self.blocks))]
        self.current = yes
        after = self._statement(close + 1, end)
        otherwise = after
        ends = self.current
        self.current = no
        if after < end and self.texts[after] == "else":
            otherwise = self._statement(after + 1, end)
        joined = self.new_block()
        self.leave_to(Go(joined), ends)
        self.leave_to(Go(joined), joined)
        if not self._does_something(close + 1, otherwise):
            for block in branches:
                exit_ = self.blocks[block].exit
                if isinstance(exit_, Branch) and {exit_.yes, exit_.no} & {yes, no}:
                    self.blocks[block].exit = Branch(exit_.condition, exit_.yes, exit_.no, exit_.loop, decides=False)
        return otherwise

    def _does_something(self, start: int, end: int) -> bool:
        texts = self.texts
        return any(
            texts[i] in _EFFECTS or (texts[i] == "(" and i and is_identifier(texts[i - 1]) and texts[i - 1] != "if")
            for i in range(start, min(end, len(texts)))
        )

    def _loop_body(self, start: int, end: int, head: int, again: int, after: int) -> int:
        self._targets.append(_Target(len(self.scopes), after, again))
        following = self._statement(start, end)
        self._targets.pop()
        self.leave_to(Go(again), again)
        return following

    def _begin_loop(self) -> int:
        head = self.new_block()
        self.leave_to(Go(head), head)
        changed: set[str] = set()
        self.changed.append(changed)
        self.loops[head] = changed
        return head

    def _while(self, at: int, end: int) -> int:
        close = self.reader.close(at + 1, end)
        head = self._begin_loop()
        body, after = self.new_block(), self.new_block()
        self.condition(self.reader.expression(at + 2, close), body, after, head)
        self.current = body
        following = self._loop_body(close + 1, end, head, head, after)
        self.changed.pop()
        self.current = after
        return following

    def _for(self, at: int, end: int) -> int:
        close = self.reader.close(at + 1, end)
        semicolon = frozenset((";",))
        first = self.reader.first(at + 2, close, semicolon)
        second = self.reader.first(first + 1, close, semicolon)
        self.scopes.append(Scope())
        if self.is_declaration(at + 2, first):
            self.declaration(at + 2, first)
        else:
            self.emit(Do(self.value(self.reader.expression(at + 2, first))))
        head = self._begin_loop()
        body, after, again = self.new_block(), self.new_block(), self.new_block()
        if first + 1 < second:
            self.condition(self.reader.expression(first + 1, second), body, after, head)
        else:
            self.leave_to(Go(body), body)
        self.current = body
        following = self._loop_body(close + 1, end, head, again, after)
        self.emit(Do(self.value(self.reader.expression(second + 1, close))))
        self.leave_to(Go(head), after)
        self.changed.pop()
        self._clean(self.scopes.pop())
        return following

    def _do(self, at: int, end: int) -> int:
        head = self._begin_loop()
        again, after = self.new_block(), self.new_block()
        following = self._loop_body(at + 1, end, head, again, after)
        if following + 1 < end and self.texts[following] == "while":
            close = self.reader.close(following + 1, end)
            condition = self.reader.expression(following + 2, close)
            is_once = condition.kind == "number" and condition.text == "0"
            if is_once:
                # ``do { } while (0)`` is no loop
                del self.loops[head]
            self.condition(condition, head, after, -1 if is_once else head)
            following = close + 1
        self.changed.pop()
        self.current = after
        return following + 1 if following < end and self.texts[following] == ";" else following

    def _switch(self, at: int, end: int) -> int:
        close = self.reader.close(at + 1, end)
        value = self.value(self.reader.expression(at + 2, close))
        before, after = self.current, self.new_block()
        targets: list[int] = []
        self._switches.append((after, targets))
        self._targets.append(_Target(len(self.scopes), after, -1))
        self.current = self.new_block()
        following = self._statement(close + 1, end)
        self._targets.pop()
        self._switches.pop()
        self.leave_to(Go(after), after)
        if -1 not in targets:
            targets.append(after)
        self.blocks[before].exit = Choose(value, tuple(target for target in targets if target >= 0))
        return following

    def _assembler(self, at: int, stop: int) -> None:
        texts = self.texts[at:stop]
        if _is_empty(texts):
            return
        if any(text[0] == '"' and "call" in text for text in texts):
            self.emit(Unclear(None))
        names = frozenset(filter(None, (self.resolve(text) for text in texts if is_identifier(text))))
        if names:
            self.emit(Unclear(names))
        if "goto" in texts:
            colon = len(texts) - 1 - texts[::-1].index(":")
            targets = [self.new_block()]
            for label in (text for text in texts[colon + 1 :] if is_identifier(text)):
                targets.append(self.new_block())
                self._jumps.append((label, targets[-1], tuple(self.scopes)))
            self.leave_to(Choose(None, tuple(targets)), targets[0])


def _is_empty(texts: Sequence[str]) -> bool:
    """Whether an ``asm`` holds no instruction, as ``barrier_var`` is made, and gives no local another value."""
    template = texts[texts.index("(") + 1 : texts.index(":")] if "(" in texts and ":" in texts else ()
    return all(text == '""' for text in template) and bool(template) and not any(t.startswith('"=') for t in texts)


def _straightened(
    blocks: Sequence[Block], loops: Mapping[int, set[str]]
) -> tuple[list[Block], dict[int, frozenset[str]]]:
    """Blocks and loops without blocks that nothing leads to, or that hold nothing."""

    def behind(at: int) -> int:
        """The first block from ``at`` on that holds something."""
        for _ in blocks:
            block = blocks[at]
            if block.steps or at in loops or not isinstance(block.exit, Go):
                break
            at = block.exit.to
        return at

    numbers: dict[int, int] = {}
    pending = [0]
    while pending:
        at = pending.pop()
        if at not in numbers:
            numbers[at] = len(numbers)
            pending += map(behind, reversed(targets(blocks[at].exit)))

    def moved(exit_: Exit) -> Exit:
        if isinstance(exit_, Go):
            return Go(numbers[behind(exit_.to)])
        if isinstance(exit_, Branch):
            yes, no = numbers[behind(exit_.yes)], numbers[behind(exit_.no)]
            return Branch(exit_.condition, yes, no, numbers.get(exit_.loop, -1), exit_.decides)
        if isinstance(exit_, Choose):
            return Choose(exit_.value, tuple(numbers[behind(target)] for target in exit_.targets))
        return exit_

    kept = [Block(blocks[at].steps, moved(blocks[at].exit)) for at in numbers]
    return kept, {numbers[head]: frozenset(names) for head, names in loops.items() if head in numbers}
