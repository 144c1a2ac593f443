"""What functions of a unit do, and macros in them by themselves: their tokens with all macros expanded, as graphs."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING

from kfunc_lsp.source.environment import Environment
from kfunc_lsp.source.expand import MacroUse, Token, expanded
from kfunc_lsp.source.places import Place, span_of
from kfunc_lsp.source.segment import Body, Segment, parameters
from kfunc_lsp.source.sites import Site
from kfunc_lsp.unit.model import Body as FunctionBody
from kfunc_lsp.unit.model import Span

if TYPE_CHECKING:
    from kfunc_lsp.unit.graph import Graph

_AROUND = tuple("{ if ( $ ( ) ) break ; if ( $ ( ) ) return ; } $ ( ) ;".split())
"""Code that may be anything, in the loop that a macro may begin and behind it."""
_JUMPS = frozenset(("break", "continue", "goto"))
_STATEMENTS = _JUMPS.union(("return", "{", "}", ";"))
"""What an argument has that is more than an expression, and may lead out of the macro."""


class Bodies:
    """Graphs, made when a rule asks; ``environment`` is that at the end of the unit."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._alone: dict[tuple[int, MacroUse], Graph | None] = {}

    def of(self, segment: Segment, place: Place, body: Body) -> FunctionBody | None:
        """What a function does; kept with its segment."""
        known = segment.graphs.get(body.start)
        if known is None or known[0] != self._environment.id:
            from kfunc_lsp.source.steps import graph_of  # which few programs need

            tokens = expanded(segment.tokens[body.start + 1 : body.end - 1], self._environment.steady)
            texts = segment.texts[body.start : body.end]
            is_whole = texts.count("{") == texts.count("}")  # else it is being typed, or goes on behind an #include
            graph = graph_of([token[0] for token in tokens], parameters(segment.texts, body)) if is_whole else None
            known = segment.graphs[body.start] = (self._environment.id, tokens, graph)
        _, tokens, graph = known
        return FunctionBody(graph, partial(_locate, tokens, place)) if graph else None

    def alone(self, segment: Segment, site: Site) -> Graph | None:
        """What the outermost macro that wrote a use does by itself; see ``Use.alone``."""
        written_by = segment.tokens[site.at][3]
        if written_by is None:
            return None
        key = (id(segment), written_by)
        if key not in self._alone:
            body = segment.bodies[site.body]
            made = [token for token in segment.tokens[body.start : body.end] if token[3] is written_by]
            self._alone[key] = self._graph_alone(made)
        return self._alone[key]

    def _graph_alone(self, made: list[Token]) -> Graph | None:
        """The graph of what one use of a macro made, whatever it was given: its arguments are locals ``$0``, …

        ``None`` where it may jump to what stands around it.
        """
        own: list[Token] = []
        given: dict[int, str] = {}
        is_given = False
        for text, origin, hidden, use in made:
            if origin < 0:
                own.append((text, origin, hidden, use))
            elif text in _STATEMENTS:
                return None
            elif not is_given:
                own.append((given.setdefault(origin, f"${len(given)}"), origin, hidden, use))
            is_given = origin >= 0
        texts = tuple(token[0] for token in expanded(own, self._environment.steady))
        return _alone(texts, tuple(given.values())) if _JUMPS.isdisjoint(texts) else None


@lru_cache(maxsize=128)
def _alone(texts: tuple[str, ...], given: tuple[str, ...]) -> Graph | None:
    from kfunc_lsp.source.steps import graph_of  # which few programs need

    return graph_of(texts + _AROUND, ("$", *given))


def _locate(tokens: list[Token], place: Place, at: int) -> Span:
    return span_of(tokens[min(at, len(tokens) - 1)], place)
