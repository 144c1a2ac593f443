"""What expressions and conditions of a function come to at one point of one path, as the verifier sees them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.rules.meaning import Meaning
from kfunc_lsp.rules.values import (
    OPAQUE,
    Abstract,
    Asked,
    Held,
    Known,
    Load,
    Null,
    Pointer,
    Root,
    Sort,
    Stack,
    State,
    Unknown,
)
from kfunc_lsp.unit.graph import Address, Compare, Derived, Expression, Local, Mixed, Not, Number, Outside, Read

_SMALL = 127
"""What any type of number holds."""


@dataclass
class Fork:
    """Where a condition leads: the state on each side, ``None`` where control does not get there.

    ``…_sure`` where the verifier certainly explores that side; ``is_open`` where the value is one of any kind.
    """

    yes: State | None
    no: State | None
    yes_sure: bool = False
    no_sure: bool = False
    is_open: bool = False

    def negated(self) -> Fork:
        """The same for ``!condition``."""
        return Fork(self.no, self.yes, self.no_sure, self.yes_sure, self.is_open)


class Evaluation:
    """Expressions of one function, whose names mean ``meanings``."""

    def __init__(self, meanings: Mapping[str, Meaning]) -> None:
        self.meanings = meanings

    def fork(self, state: State, value: Expression) -> Fork:
        """Where a condition leads; ``state`` goes on on one of the sides."""
        if isinstance(value, Not):
            return self.fork(state, value.operand).negated()
        if isinstance(value, Compare) and value.operator in ("==", "!="):
            for one, other in ((value.left, value.right), (value.right, value.left)):
                if self.value(state, other) == Known(0):
                    fork = self.fork(state, one)
                    return fork.negated() if value.operator == "==" else fork
        abstract = self.value(state, value)
        if isinstance(abstract, Known):
            return Fork(state, None, True) if abstract.number else Fork(None, state, False, True)
        if isinstance(abstract, Stack):
            return Fork(state, None, True)
        if isinstance(abstract, Pointer):
            return self._fork_pointer(state, abstract.id, abstract.exact)
        if isinstance(abstract, Asked):
            fork = self._fork_pointer(state, abstract.id, True)
            return fork if abstract.positive else fork.negated()
        return self._fork_unknown(state, abstract, value)

    def _fork_pointer(self, state: State, id_: int, exact: bool) -> Fork:
        null = state.objects[id_].null
        if null is Null.NO:
            return Fork(state, None, True)
        if null is Null.YES:
            return Fork(None, state, False, True)
        yes, no = state.copy(), state
        yes.change(id_, Null.NO)
        no.change(id_, Null.YES, Held.NEVER if no.objects[id_].held is Held.HELD else None)
        sure = null is Null.MAYBE and exact
        if not exact:
            for side in (yes, no):
                side.change(id_, Null.UNCLEAR)
        return Fork(yes, no, sure, sure)

    def _fork_unknown(self, state: State, abstract: Unknown, value: Expression) -> Fork:
        roots = abstract.roots
        is_plain = not isinstance(value, Compare) and len(roots) == 1
        if is_plain:
            answer = state.decided.get(next(iter(roots)))
            if answer is not None:
                return Fork(state, None, True) if answer else Fork(None, state, False, True)
        fresh = is_fresh(state, roots)
        is_open = abstract.sort in (Sort.NUMBER, Sort.FLAG)
        yes_sure = fresh and abstract.sort is not Sort.OPAQUE
        no_sure = fresh and is_open
        yes, no = state.copy(), state
        yes.ask_about(roots, True if is_plain else None)
        no.ask_about(roots, False if is_plain else None)
        return Fork(yes, no, yes_sure, no_sure, is_open)

    def value(self, state: State, value: Expression) -> Abstract:
        """What an expression comes to."""
        if isinstance(value, Local):
            return state.locals.get(value.name, OPAQUE)
        if isinstance(value, Number):
            return Known(value.value)
        if isinstance(value, Mixed):
            return self._mixed(state, value.parts, value.is_number)
        if isinstance(value, Read):
            return self._read(state, value)
        if isinstance(value, Outside):
            return self._outside(value.name)
        if isinstance(value, Address):
            return Stack(value.name)
        if isinstance(value, Compare):
            return self._compare(state, value)
        if isinstance(value, Derived):
            return self._mixed(state, (value.base, *value.others), False)
        return self._negation(self.value(state, value.operand)) if isinstance(value, Not) else OPAQUE

    def _outside(self, name: str) -> Abstract:
        exists = self.meanings[name].exists if name in self.meanings else None
        return OPAQUE if exists is None else Known(int(exists))

    def _negation(self, operand: Abstract) -> Abstract:
        if isinstance(operand, Known):
            return Known(int(not operand.number))
        if isinstance(operand, Asked):
            return Asked(operand.id, not operand.positive)
        if isinstance(operand, Pointer) and operand.exact:
            return Asked(operand.id, False)
        if isinstance(operand, Unknown) and operand.sort in (Sort.NUMBER, Sort.FLAG):
            return Unknown(Sort.FLAG, operand.roots, operand.loads)
        return Unknown(Sort.OPAQUE, self._roots(operand), loads_of(operand))

    def _roots(self, value: Abstract) -> frozenset[Root]:
        if isinstance(value, Unknown):
            return value.roots
        return frozenset((("object", value.id),)) if isinstance(value, Pointer | Asked) else frozenset()

    def _read(self, state: State, value: Read) -> Abstract:
        base = self.value(state, value.base)
        root: Root = ("memory", value.path)
        if isinstance(base, Pointer):
            known = state.objects[base.id]
            if known.held is Held.ELSEWHERE or known.null in (Null.UNCLEAR, Null.YES):
                return OPAQUE
            is_released = known.held is Held.RELEASED
            is_wrong = known.null is Null.MAYBE or is_released
            loads = frozenset(((base.id, value.at, is_released),)) if is_wrong else frozenset()
            return Unknown(Sort.WORD, frozenset((root,)), loads)
        if isinstance(base, Unknown) and base.sort is not Sort.OPAQUE:
            return Unknown(Sort.WORD, frozenset((root,)), base.loads)
        return OPAQUE

    def _compare(self, state: State, value: Compare) -> Abstract:
        left, right = self.value(state, value.left), self.value(state, value.right)
        if isinstance(left, Known) and isinstance(right, Known):
            return Known(int(_COMPARISONS[value.operator](left.number, right.number)))
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Pointer) and one.exact and other == Known(0) and value.operator in ("==", "!="):
                return Asked(one.id, value.operator == "!=")
        roots = self._roots(left) | self._roots(right)
        loads = loads_of(left) | loads_of(right)
        sort = Sort.FLAG if _is_open(value.operator, left, right) else Sort.OPAQUE
        return Unknown(sort, roots, loads)

    def _mixed(self, state: State, parts: Sequence[Expression], is_number: bool) -> Abstract:
        unknown = [value for part in parts if not isinstance(value := self.value(state, part), Known)]
        pointers = [value for value in unknown if isinstance(value, _POINTING)]
        if len(pointers) == 1 and not is_number:
            return replace(pointers[0], exact=False)
        roots, loads, sorts = _NO_ROOTS, _NO_LOADS, set()
        for value in unknown:
            roots |= self._roots(value)
            if isinstance(value, Unknown):
                loads |= value.loads
                sorts.add(value.sort)
            else:
                sorts.add(Sort.OPAQUE)
        if not sorts or Sort.OPAQUE in sorts or Sort.POINTER in sorts:
            return Unknown(Sort.OPAQUE, roots, loads) if roots or loads else OPAQUE
        return Unknown(Sort.WORD if Sort.WORD in sorts and not is_number else Sort.NUMBER, roots, loads)


_POINTING = (Pointer, Stack)
_NO_ROOTS: frozenset[Root] = frozenset()
_NO_LOADS: frozenset[Load] = frozenset()
_COMPARISONS: Mapping[str, Callable[[int, int], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def _is_open(operator: str, left: Abstract, right: Abstract) -> bool:
    """Whether the verifier certainly explores both sides of a comparison: of any number with a small one."""
    if isinstance(left, Known):
        left, right = right, left
        operator = operator.translate(str.maketrans("<>", "><"))
    if not isinstance(left, Unknown) or not isinstance(right, Known) or left.sort not in (Sort.NUMBER, Sort.WORD):
        return False
    number = right.number
    if operator in ("==", "!="):
        return 0 <= number <= _SMALL or left.is_signed
    if left.sort is Sort.WORD:
        return False
    if abs(number) > _SMALL:
        return False
    least = 1 if operator in ("<", ">=") else 0
    return left.is_signed or number >= least


def is_fresh(state: State, roots: frozenset[Root]) -> bool:
    """Whether no condition on the path has asked about what a value was made from."""
    return bool(roots) and not any(root in state.decided for root in roots)


def loads_of(value: Abstract) -> frozenset[Load]:
    """The reads that a value was made from."""
    return value.loads if isinstance(value, Unknown) else frozenset()


def place_of(value: Expression | None) -> Stack | None:
    """The local that a value is the address of, or of a part of."""
    if isinstance(value, Address):
        return Stack(value.name)
    if isinstance(value, Derived) and isinstance(value.base, Address):
        return Stack(value.base.name, False)
    return None
