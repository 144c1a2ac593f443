"""What a register holds, as far as it tells whether code is reached: the values that ``conditions`` follows.

The kinds mirror what the verifier knows: a number that it does not know makes it explore both sides of a test, a
constant does not. Whatever might be a constant to it and is not followed here is ``Something``.
"""

from __future__ import annotations

import operator
from collections.abc import Callable

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.unit import value as unit
from kfunc_lsp.unit.guard import Condition, Constant, Exists, Likely, Opaque, Runtime, both, either, negate
from kfunc_lsp.unit.value import Holds

_MOST_CHOICES = 6
_U64, _U32 = (1 << 64) - 1, (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Known:
    """A constant, as 64 bits without sign."""

    number: int


@dataclass(frozen=True, slots=True)
class Address:
    """The address of ksym ``name``, loaded at slot ``at``: 0 where it does not resolve."""

    name: str
    at: int


@dataclass(frozen=True, slots=True)
class Number:
    """A number that only the running program knows."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """A number, or a pointer that may be known not to be NULL: what a helper or the context gives, or memory holds."""


@dataclass(frozen=True, slots=True)
class Global(Pointer):
    """The address of a global variable (or one inside it), a map or a function of the program, as ``holds`` says."""

    holds: Holds


@dataclass(frozen=True, slots=True)
class ReadOnly:
    """A pointer to data that libbpf freezes, so that the verifier takes what is read there for constants."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The address of the stack at ``offset`` from the frame pointer."""

    offset: int


@dataclass(frozen=True, slots=True)
class Something:
    """Anything."""


Simple = Known | Address | Number | Pointer | ReadOnly | Frame | Something


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values: each where its condition holds."""

    of: tuple[tuple[Condition, Simple], ...]


Value = Simple | Choice

SOMETHING = Something()


def choice(of: list[tuple[Condition, Value]]) -> Value:
    """The value that is one of ``of``, each where its condition holds."""
    first = of[0][1]
    if all(value == first for _, value in of):
        return first
    if all(isinstance(value, Pointer) for _, value in of):
        return Pointer()
    parts: list[tuple[Condition, Simple]] = []
    for condition, value in of:
        if isinstance(value, Choice):
            parts += [(both(condition, inner), part) for inner, part in value.of]
        else:
            parts.append((condition, value))
    return Choice(tuple(parts)) if len(parts) <= _MOST_CHOICES else SOMETHING


def each(value: Value, change: Callable[[Simple], Simple]) -> Value:
    """``change`` made to the value, whichever it is."""
    if isinstance(value, Choice):
        return choice([(condition, change(part)) for condition, part in value.of])
    return change(value)


def _signed(number: int, bits: int) -> int:
    return number - (1 << bits) if number >> (bits - 1) else number


_ARITHMETIC: dict[int, Callable[[int, int, int], int]] = {
    0x00: lambda a, b, bits: a + b,
    0x10: lambda a, b, bits: a - b,
    0x20: lambda a, b, bits: a * b,
    0x40: lambda a, b, bits: a | b,
    0x50: lambda a, b, bits: a & b,
    0x60: lambda a, b, bits: a << (b & (bits - 1)),
    0x70: lambda a, b, bits: a >> (b & (bits - 1)),
    0x80: lambda a, b, bits: -a,
    0xA0: lambda a, b, bits: a ^ b,
    0xC0: lambda a, b, bits: _signed(a, bits) >> (b & (bits - 1)),
}
"""``BPF_OP`` of what is computed on constants; anything else gives ``Something``."""
_ADD = 0x00


def arithmetic(operation: int, left: Simple, right: Simple, is_32_bit: bool) -> Simple:
    """The result of ``left OP right``."""
    if isinstance(left, Known) and isinstance(right, Known):
        compute = _ARITHMETIC.get(operation)
        if compute is None:
            return SOMETHING
        bits, mask = (32, _U32) if is_32_bit else (64, _U64)
        return Known(compute(left.number & mask, right.number & mask, bits) & mask)
    if isinstance(left, Frame) and isinstance(right, Known) and operation == _ADD and not is_32_bit:
        return Frame(left.offset + _signed(right.number, 64))
    if isinstance(left, ReadOnly | Pointer) and operation == _ADD and not is_32_bit:
        return left if isinstance(right, Known) or not isinstance(left, Global) else Pointer()
    if isinstance(left, Known | Number | Pointer) and isinstance(right, Known | Number | Pointer):
        return Number()
    return SOMETHING


_JSET = 0x40
_EQUAL, _NOT_EQUAL, _GREATER = 0x10, 0x50, 0x20
_COMPARISONS: dict[int, tuple[Callable[[int, int], bool], bool]] = {
    _EQUAL: (operator.eq, False),
    _GREATER: (operator.gt, False),
    0x30: (operator.ge, False),
    _JSET: (lambda a, b: bool(a & b), False),
    _NOT_EQUAL: (operator.ne, False),
    0x60: (operator.gt, True),
    0x70: (operator.ge, True),
    0xA0: (operator.lt, False),
    0xB0: (operator.le, False),
    0xC0: (operator.lt, True),
    0xD0: (operator.le, True),
}
"""``BPF_OP`` of a jump: the comparison, and whether it has signs."""
_NOT_NEGATIVE = {(0x60, -1): True, (0x70, 0): True, (0xC0, 0): False, (0xD0, -1): False}
"""Comparisons with a constant that ask for the sign: whether they hold for what is not negative."""


def test(operation: int, left: Value, right: Value, is_32_bit: bool) -> Condition:
    """Whether the jump ``if left OP right`` is taken."""
    if isinstance(left, Choice):
        answer: Condition = Constant(False)
        for condition, part in left.of:
            answer = either(answer, both(condition, test(operation, part, right, is_32_bit)))
        return answer
    if isinstance(right, Choice):
        answer = Constant(False)
        for condition, part in right.of:
            answer = either(answer, both(condition, test(operation, left, part, is_32_bit)))
        return answer
    return _test(operation, left, right, is_32_bit)


def _test(operation: int, left: Simple, right: Simple, is_32_bit: bool) -> Condition:
    if operation not in _COMPARISONS:
        return Opaque()
    compare, is_signed = _COMPARISONS[operation]
    bits, mask = (32, _U32) if is_32_bit else (64, _U64)
    number = _signed(right.number & mask, bits) if isinstance(right, Known) else None
    if isinstance(left, Known) and number is not None:
        a, b = left.number & mask, number & mask
        return Constant(compare(_signed(a, bits), number) if is_signed else compare(a, b))
    asks_zero = number == 0 and operation in (_EQUAL, _NOT_EQUAL, _GREATER)
    if isinstance(left, Address | Pointer | ReadOnly | Frame) and asks_zero:
        there: Condition = Likely()
        if isinstance(left, Address):
            there = Exists(left.name)
        elif isinstance(left, ReadOnly | Frame):
            there = Constant(True)
        return negate(there) if operation == _EQUAL else there
    if isinstance(left, Number | Pointer | Known) and isinstance(right, Number | Pointer | Known):
        if isinstance(left, Number | Pointer) and number is not None and (operation, number) in _NOT_NEGATIVE:
            return Likely() if _NOT_NEGATIVE[operation, number] else negate(Likely())
        return Runtime()
    return Opaque()


def told(value: Value, is_tested: bool) -> unit.Value | None:
    """What a rule may know of ``value`` in an argument; ``None`` where it is not certain.

    ``is_tested`` tells that the verifier may have learned from a test which number it is.
    """
    if isinstance(value, Known):
        return unit.Value(Holds.CONSTANT, value.number)
    if isinstance(value, Frame | ReadOnly):
        return unit.Value(Holds.STACK if isinstance(value, Frame) else Holds.READ_ONLY)
    if isinstance(value, Global):
        return unit.Value(value.holds)
    if isinstance(value, Number | Pointer) and not is_tested:
        return unit.Value(Holds.NUMBER if isinstance(value, Number) else Holds.VARYING)
    return None
