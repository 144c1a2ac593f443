"""Macros by themselves: whether there is anything to tell of what one begins, whatever is done in between.

``bpf_for`` begins an iterator, asks it, and ends it wherever the loop is left. What such a macro does cannot be wrong,
so that a function need not be walked for it.
"""

from __future__ import annotations

from collections.abc import Sequence

from kfunc_lsp.rules.meaning import Role
from kfunc_lsp.rules.trouble import Fault, Found, Trouble
from kfunc_lsp.rules.values import Abstract, Held, Null, Stack, State
from kfunc_lsp.rules.walk import Walk
from kfunc_lsp.unit.graph import Call, Step

_DOUBT = Trouble(Fault.NOT_RELEASED, -1, "")
"""Something that has to do with the function around the macro."""


class Alone(Walk):
    """A walk through ``Use.alone``. It finds nothing only where there is nothing, whatever conditions come to."""

    def run(self) -> Found:
        """What may be wrong; ``_DOUBT`` where that depends on the function around it."""
        meant = (self.meanings[name] for name in self.graph.names)
        is_known = all(meaning.role is not Role.UNCLEAR and not meaning.touches_sections for meaning in meant)
        return super().run() if is_known else frozenset((_DOUBT,))

    def _together(self, sides: Sequence[tuple[bool, Found]]) -> Found:
        return frozenset().union(*(found for _, found in sides))

    def _step(self, state: State, step: Step) -> bool:
        goes_on = super()._step(state, step)
        if any(known.null is Null.UNCLEAR or known.held is Held.ELSEWHERE for known in state.objects.values()):
            self._found.add(_DOUBT)
        return goes_on

    def _call(self, state: State, call: Call) -> Abstract | None:
        is_code_around = not call.callee
        if is_code_around and any(k.null is Null.MAYBE or k.held is not Held.NEVER for k in state.objects.values()):
            self._found.add(_DOUBT)
        return super()._call(state, call)

    def _iterate(self, state: State, call: Call, role: Role, given: Abstract | None) -> None:
        if not isinstance(given, Stack) or not given.exact:
            self._found.add(_DOUBT)
        super()._iterate(state, call, role, given)
