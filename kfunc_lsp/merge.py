"""The findings of a source file and of the object that was built from it, as one list.

The source knows where things are written and how to mend them; the object knows what the compiler made of it.
"""

from __future__ import annotations

from collections.abc import Sequence

from kfunc_lsp import rules
from kfunc_lsp.dataclass import replace
from kfunc_lsp.report.item import Item
from kfunc_lsp.rules.model import Severity, using

_OF_SOURCES = frozenset(rule.name for rule in rules.ALL if rule.each is using)


def merged(source: Sequence[Item], built: Sequence[Item], name: str) -> list[Item]:
    """``source``'s findings, judged as object ``name`` shows them; what only the object shows comes last.

    What both have on one line was compiled and is not to be doubted: the one that is more certain of it is right.
    A finding that the object does not have is one step less severe, and says so: the compiler dropped the code, or the
    object is of another build. What only a source can be asked, the paths through a function, stays what it is.
    """
    left = list(built)
    judged: dict[int, Item] = {}
    for same_line in (True, False):
        for index, item in enumerate(source):
            twin = None if index in judged else next((o for o in left if _is_twin(item, o, same_line)), None)
            if twin is not None:
                left.remove(twin)
                is_surer = same_line and item.severity > twin.severity
                judged[index] = item if is_surer else _judged(item, twin)
    found = [judged.get(index) or _source_only(item, name) for index, item in enumerate(source)]
    # one place in the source is many in an object: inlined, unrolled, moved
    known = {(item.rule, item.subject) for item in source}
    return found + [other for other in left if (other.rule, other.subject) not in known]


def _is_twin(item: Item, other: Item, same_line: bool) -> bool:
    if (item.rule, item.subject) != (other.rule, other.subject):
        return False
    return not same_line or (item.place.path, item.place.line) == (other.place.path, other.place.line)


def _judged(item: Item, twin: Item) -> Item:
    """What the source says, as certain as the object has it."""
    return replace(
        item,
        severity=twin.severity,
        message=twin.message,
        on=twin.on,
        why=twin.why,
        predictions=twin.predictions,
        sources=twin.sources,
        elsewhere=twin.elsewhere,
    )


def _source_only(item: Item, name: str) -> Item:
    """A finding that ``name`` was built without: nobody will say anything, as long as it is built so."""
    if item.rule in _OF_SOURCES:
        return item
    on = tuple((kernel, _lower(severity)) for kernel, severity in item.on)
    why = f"{item.why}; only the source has it: {name} was built without it"
    return replace(item, severity=_lower(item.severity), on=on, why=why, predictions=())


def _lower(severity: Severity) -> Severity:
    return Severity(max(severity - 1, Severity.HINT))
