"""What opens with a ``{`` at file level: a function, or something else."""

from __future__ import annotations

from kfunc_lsp.source.sites import KEYWORDS
from kfunc_lsp.source.text import is_identifier

NOT_DECLARATORS = frozenset("__attribute__ typeof __typeof__ asm __asm__ _Alignas __declspec _Static_assert".split())
_NOT_NAMES = NOT_DECLARATORS | KEYWORDS


class Head:
    """What stands before a ``{``: ``name_index`` is the token of a function's name, -1 if something else opens."""

    __slots__ = ("_depth", "_found", "_is_value")

    def __init__(self) -> None:
        self._depth = 0
        self._found = -1
        self._is_value = False

    def take(self, text: str, at: int, before: str) -> None:
        """Go on with bracket or ``=`` ``text``, token ``at``, behind ``before``."""
        if text == "(":
            if self._depth == 0 and self._found < 0 and before and is_identifier(before) and before not in _NOT_NAMES:
                self._found = at - 1
            self._depth += 1
        elif text == ")":
            self._depth -= 1
        elif self._depth <= 0:
            self._is_value = True

    @property
    def name_index(self) -> int:
        """Index of the name of the function whose body opens now."""
        return -1 if self._is_value else self._found
