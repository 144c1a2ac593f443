"""Conditions that stand between a program's start and a use of a ksym, and what they come to on one kernel.

A condition is a tree of the few things that matter to the verifier: whether a ksym resolves (a constant once libbpf
has relocated it), whether something can only be known at run time (the verifier explores both sides), and whether
something may be a constant that this project does not follow (rodata, CO-RE, kernel version). How conditions are
read from C is ``source.flow``'s business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import Enum

from kfunc_lsp.dataclass import dataclass, field


class Truth(Enum):
    """What a condition comes to: a constant, either way at run time, or something that is not known."""

    TRUE = "true"
    FALSE = "false"
    RUNTIME = "runtime"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Exists:
    """True where the ksym ``name`` resolves: ``bpf_ksym_exists(name)``, ``if (name)``, ``!!name``."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal."""

    value: bool


@dataclass(frozen=True, slots=True)
class Not:
    """``!operand``. Made by ``negate``."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class Both:
    """``left && right``. Made by ``both``, which keeps trees small."""

    left: Condition
    right: Condition
    size: int = field(default=3, compare=False)


@dataclass(frozen=True, slots=True)
class Either:
    """``left || right``. Made by ``either``, which keeps trees small."""

    left: Condition
    right: Condition
    size: int = field(default=3, compare=False)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Known at run time only, such as the number that a helper returns: the verifier explores both sides."""


@dataclass(frozen=True, slots=True)
class Likely:
    """Something whose true side the verifier explores in any case, such as a pointer that a helper gives.

    Its false side may be impossible; ``compiled_out`` where the compiler could know that, as of ``unsigned >= 0``.
    """

    compiled_out: bool = False


@dataclass(frozen=True, slots=True)
class Opaque:
    """May be a constant to the compiler or the verifier; ``compiled_out`` where the compiler could drop the code."""

    compiled_out: bool = False


Condition = Exists | Constant | Not | Both | Either | Runtime | Likely | Opaque

_LARGEST = 60


def negate(condition: Condition) -> Condition:
    """``!condition``, pushed inwards."""
    if isinstance(condition, Not):
        return condition.operand
    if isinstance(condition, Constant):
        return Constant(not condition.value)
    if isinstance(condition, Both):
        return either(negate(condition.left), negate(condition.right))
    if isinstance(condition, Either):
        return both(negate(condition.left), negate(condition.right))
    return condition if isinstance(condition, Runtime | Opaque) else Not(condition)


def both(left: Condition, right: Condition) -> Condition:
    """``left && right``; an ``Opaque`` where the tree would grow too large to be asked again and again."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant):
            return other if one.value else one
        if one == other:
            return one
    size = _size(left) + _size(right) + 1
    return Opaque(compiled_out=True) if size > _LARGEST else Both(left, right, size)


def either(left: Condition, right: Condition) -> Condition:
    """``left || right``; see ``both``."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Constant):
            return one if one.value else other
        if one == other:
            return one
    size = _size(left) + _size(right) + 1
    return Opaque(compiled_out=True) if size > _LARGEST else Either(left, right, size)


def _size(condition: Condition) -> int:
    return condition.size if isinstance(condition, Both | Either) else 1


Resolves = Callable[[str], bool | None]
"""Whether libbpf resolves the ksym of this name on the kernel in question; ``None`` where that is not known."""


def _negate(truth: Truth) -> Truth:
    if truth is Truth.TRUE:
        return Truth.FALSE
    return Truth.TRUE if truth is Truth.FALSE else truth


def evaluate(condition: Condition, resolves: Resolves) -> Truth:
    """What ``condition`` comes to on a kernel where ``resolves`` tells which ksyms are there."""
    if isinstance(condition, Exists):
        found = resolves(condition.name)
        return Truth.UNKNOWN if found is None else Truth.TRUE if found else Truth.FALSE
    if isinstance(condition, Constant):
        return Truth.TRUE if condition.value else Truth.FALSE
    if isinstance(condition, Not):
        if isinstance(condition.operand, Likely):
            return Truth.UNKNOWN
        return _negate(evaluate(condition.operand, resolves))
    if isinstance(condition, Runtime | Likely):
        return Truth.RUNTIME
    if isinstance(condition, Opaque):
        return Truth.UNKNOWN
    left, right = evaluate(condition.left, resolves), evaluate(condition.right, resolves)
    decisive = Truth.FALSE if isinstance(condition, Both) else Truth.TRUE
    if decisive in (left, right):
        return decisive
    if Truth.UNKNOWN in (left, right):
        return Truth.UNKNOWN
    return Truth.RUNTIME if Truth.RUNTIME in (left, right) else _negate(decisive)


def reached(guards: Iterable[Condition], resolves: Resolves) -> Truth:
    """Whether code under all of ``guards`` is seen by the verifier: TRUE, FALSE (dead code) or UNKNOWN."""
    answer = Truth.TRUE
    for guard in guards:
        truth = evaluate(guard, resolves)
        if truth is Truth.FALSE:
            return Truth.FALSE
        if truth is Truth.UNKNOWN:
            answer = Truth.UNKNOWN
    return answer


def mentions(condition: Condition) -> frozenset[str]:
    """The ksyms whose existence ``condition`` asks about."""
    if isinstance(condition, Exists):
        return frozenset((condition.name,))
    if isinstance(condition, Not):
        return mentions(condition.operand)
    if isinstance(condition, Both | Either):
        return mentions(condition.left) | mentions(condition.right)
    return frozenset()


def may_be_compiled_out(guards: Iterable[Condition]) -> bool:
    """Whether the compiler itself may have dropped the code, so that not even its call instruction is left."""
    return any(_is_opaque(guard) for guard in guards)


def emitted(guards: Iterable[Condition]) -> Truth:
    """Whether code under ``guards`` is in the object: TRUE or UNKNOWN."""
    return Truth.UNKNOWN if may_be_compiled_out(guards) else Truth.TRUE


def all_of(left: Truth, right: Truth) -> Truth:
    """Whether both hold: TRUE, FALSE or UNKNOWN."""
    those = left, right
    return next((truth for truth in (Truth.FALSE, Truth.UNKNOWN) if truth in those), Truth.TRUE)


def _is_opaque(condition: Condition) -> bool:
    if isinstance(condition, Opaque):
        return condition.compiled_out
    if isinstance(condition, Constant):
        return True
    if isinstance(condition, Not):
        operand = condition.operand
        return operand.compiled_out if isinstance(operand, Likely) else _is_opaque(operand)
    if isinstance(condition, Both | Either):
        return _is_opaque(condition.left) or _is_opaque(condition.right)
    return False
