"""Macro expansion by the standard's algorithm (hide sets), keeping where each token was written.

A token is ``(text, origin, hidden, use)``: ``origin`` is its location where it was written (-1 for a token from a
macro's body), ``hidden`` the macros that may not expand in it any more, ``use`` the outermost macro use that made it
(``None`` outside macros). Locations are those of the translation unit: see ``preprocess``.
"""

from __future__ import annotations

from collections.abc import Mapping

from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.source.macros import Interest, Macro, Make
from kfunc_lsp.source.text import is_identifier


class MacroUse(NamedTuple):
    """The outermost use of a macro, by its location."""

    location: int
    macro: Macro


Hidden = frozenset[str] | tuple[()]
Token = tuple[str, int, Hidden, MacroUse | None]

NOTHING_HIDDEN: Hidden = ()
"""No set, but a tuple: the garbage collector does not look into tokens that hold nothing but text and numbers."""
TOKEN_BUDGET = 200_000
"""Most tokens that macros may produce in one translation unit: macro bombs end here."""
_MOST_UNCLOSED = 500_000
"""Tokens that may be looked through for the end of uses that are never closed."""
_DEEPEST = 60
"""Deepest nesting of arguments within arguments that is expanded."""


class OutOfBudget(Exception):
    """The token budget of the translation unit is used up."""


class Expander:
    """Expands tokens with a macro table that may change between calls.

    Without ``interest`` every macro is expanded (as ``clang -E`` does); with it, only those that can matter.
    ``budget`` is how many tokens macros may still produce, ``spent`` how many they have; ``pasted`` collects what
    ``##`` made.
    """

    def __init__(self, table: Mapping[str, Macro], interest: Interest | None, budget: int = TOKEN_BUDGET) -> None:
        self.spent = 0
        self.pasted: set[str] = set()
        self._table = table
        self._interest = interest
        self._budget = budget
        self._unclosed = 0

    def expand(self, tokens: list[Token], depth: int = 0) -> list[Token]:
        """The expansion of ``tokens``. Raises ``OutOfBudget``."""
        texts = [token[0] for token in tokens]
        present = set(texts)
        wanted = present & self._table.keys() if self._interest is None else self._interest.wanted(present)
        if not wanted:
            return tokens
        out: list[Token] = []
        at = 0
        for place in [index for index, text in enumerate(texts) if text in wanted]:
            if place >= at:
                out += tokens[at:place]
                at = self._use(tokens, place, out, depth)
        out += tokens[at:]
        return out

    def _use(self, tokens: list[Token], at: int, out: list[Token], depth: int) -> int:
        """Append to ``out`` what token ``at`` expands to; gives the index of the first token that is no part of it."""
        table = self._table
        interest = self._interest
        stack = [tokens[at]]
        names = [0]  # where on the stack names of macros stand: what is between them only has to be copied
        at += 1
        while names:
            place = names.pop()
            out += stack[:place:-1]
            token = stack[place]
            del stack[place:]
            text, _, hidden, made_by = token
            macro = table[text]
            if text in hidden:
                out.append(token)
                continue
            arguments: list[list[Token]] = []
            if macro.params is not None:
                reach = self._reach(stack, tokens, at)
                if reach < 0:
                    out.append(token)
                    continue
                if reach > at:
                    stack[:0] = tokens[at:reach][::-1]
                    at = reach
                arguments, close = _arguments(stack)
                rest = len(stack) - close
                while names and names[-1] >= rest:
                    names.pop()
                if interest is not None:
                    decorates = interest.decorates(text)
                    if decorates or not interest.hot(text):
                        inner = (t[0] for argument in arguments for t in argument)
                        if not interest.in_arguments(macro, inner):
                            if not decorates:
                                out.append(token)
                                out.extend(reversed(stack[rest:]))
                            del stack[rest:]
                            continue
                hidden = _common(hidden, stack[rest][2])
                del stack[rest:]
            elif interest is not None and not interest.hot(text):
                out.append(token)
                continue
            use = made_by or MacroUse(token[1], macro)
            body = self._substitute(macro, arguments, frozenset((text, *hidden)), use, depth)
            self.spent += len(body) + 1
            if self.spent > self._budget:
                raise OutOfBudget
            body.reverse()
            names += [index for index, made in enumerate(body, len(stack)) if made[0] in table]
            stack += body
        out += stack[::-1]
        return at

    def _reach(self, stack: list[Token], tokens: list[Token], at: int) -> int:
        """The index in ``tokens`` behind the arguments that ``stack`` (reversed), then ``tokens[at:]`` begin with.

        It is ``at`` where they end in ``stack``, and -1 where there are none or they are never closed.
        """
        if (stack[-1][0] if stack else tokens[at][0] if at < len(tokens) else "") != "(":
            return -1
        depth = 0
        for token in reversed(stack):
            text = token[0]
            if text == "(":
                depth += 1
            elif text == ")":
                depth -= 1
                if depth == 0:
                    return at
        if self._unclosed > _MOST_UNCLOSED:
            return -1
        for index in range(at, len(tokens)):
            text = tokens[index][0]
            if text == "(":
                depth += 1
            elif text == ")":
                depth -= 1
                if depth == 0:
                    return index + 1
        self._unclosed += len(stack) + len(tokens) - at
        return -1

    def _substitute(
        self, macro: Macro, arguments: list[list[Token]], hidden: frozenset[str], use: MacroUse, depth: int
    ) -> list[Token]:
        if macro.params is not None:
            arguments = _fit(macro, arguments)
        position = macro.positions
        out: list[Token] = []
        expanded: dict[str, list[Token]] = {}
        for make, operands in macro.parts:
            if make is Make.AS_WRITTEN:
                out += [(text, -1, hidden, use) for text in operands]
            elif make is Make.ARGUMENT:
                name = operands[0]
                if name not in expanded:
                    expanded[name] = self._argument(arguments[position[name]], hidden, use, depth)
                out += expanded[name]
            elif make is Make.OPERAND:
                out += _made_by(arguments[position[operands[0]]], hidden, use) or [("", -1, hidden, use)]
            elif make is Make.STRING:
                out.append((_stringify(arguments[position[operands[0]]]), -1, hidden, use))
            else:
                before, right = operands
                self._paste(out, macro, right, arguments, position, hidden, use, before)
        return [token for token in out if token[0]] if macro.has_operators else out

    def _argument(self, tokens: list[Token], hidden: frozenset[str], use: MacroUse, depth: int) -> list[Token]:
        """An argument as it stands in the replacement: expanded, unless it is nested too deeply."""
        if depth < _DEEPEST and any(token[0] in self._table for token in tokens):
            tokens = self.expand([(t, o, h, u or use) for t, o, h, u in tokens], depth + 1)
        return _made_by(tokens, hidden, use)

    def _paste(
        self,
        out: list[Token],
        macro: Macro,
        right: str,
        arguments: list[list[Token]],
        position: Mapping[str, int],
        hidden: frozenset[str],
        use: MacroUse,
        before: str,
    ) -> None:
        """Join what ``out`` ends with and the operand ``right``; GNU: ``, ## args`` drops the comma with no args."""
        index = position.get(right)
        if index is None:
            pieces: list[Token] = [(right, -1, hidden, use)]
        else:
            pieces = _made_by(arguments[index], hidden, use)
            if before == "," and macro.variadic and index == len(position) - 1:
                if pieces:
                    out.extend(self.expand(pieces, 1))
                elif out and out[-1][0] == ",":
                    out.pop()
                return
        if not pieces:
            return
        left = out.pop() if out else ("", -1, hidden, use)
        origin = left[1] if not pieces[0][0] else -1 if left[0] else pieces[0][1]
        self.pasted.add(left[0] + pieces[0][0])
        out.append((left[0] + pieces[0][0], origin, hidden.union(_common(left[2], pieces[0][2])), use))
        out.extend(pieces[1:])


def expanded(tokens: list[Token], macros: Mapping[str, Macro]) -> list[Token]:
    """``tokens`` with all ``macros`` expanded; as they are where that takes too many tokens."""
    if all(token[0] not in macros for token in tokens):
        return tokens
    try:
        return Expander(macros, None).expand(tokens)
    except OutOfBudget:
        return tokens


def _common(one: Hidden, other: Hidden) -> Hidden:
    return frozenset(one).intersection(other) if one and other else NOTHING_HIDDEN


def _made_by(tokens: list[Token], hidden: frozenset[str], use: MacroUse) -> list[Token]:
    """Tokens of an argument as what ``use`` made."""
    return [(t, o, hidden.union(h) if h else hidden, use) for t, o, h, _ in tokens]


def _arguments(stack: list[Token]) -> tuple[list[list[Token]], int]:
    """The arguments that ``stack`` (reversed) begins with, which are closed, and their length in tokens."""
    depth = count = 0
    arguments: list[list[Token]] = [[]]
    while True:
        count += 1
        token = stack[-count]
        text = token[0]
        if text == "(":
            depth += 1
            if depth == 1:
                continue
        elif text == ")":
            depth -= 1
            if depth == 0:
                return arguments, count
        elif text == "," and depth == 1:
            arguments.append([])
            continue
        arguments[-1].append(token)


def _fit(macro: Macro, arguments: list[list[Token]]) -> list[list[Token]]:
    """``arguments`` as many as the macro has parameters: the rest joined by commas where it is variadic."""
    count = len(macro.params or ())
    if macro.variadic and len(arguments) > count:
        rest = arguments[count - 1]
        for argument in arguments[count:]:
            rest = [*rest, (",", -1, NOTHING_HIDDEN, None), *argument]
        return [*arguments[: count - 1], rest]
    return arguments + [[] for _ in range(count - len(arguments))]


def _stringify(tokens: list[Token]) -> str:
    parts = []
    for text, _, _, _ in tokens:
        if text[0] in "\"'" or (is_identifier(text[0]) and text[-1] in "\"'"):
            text = text.replace("\\", "\\\\").replace('"', '\\"')
        parts.append(text)
    return '"' + " ".join(parts) + '"'
