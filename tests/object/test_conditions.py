"""What branches say of ksyms: small functions, instruction by instruction, and when their last call is reached."""

from __future__ import annotations

import pytest

from kfunc_lsp.object.conditions import Conditions, Scope
from kfunc_lsp.object.instructions import CALL, EXIT, JUMP, LD_IMM64, MAY_GOTO, Instruction
from kfunc_lsp.object.values import SOMETHING, Global, Number, Pointer, Simple
from kfunc_lsp.unit.guard import Truth, reached
from kfunc_lsp.unit.value import Holds, Value

JEQ, JNE, JSGE = 0x15, 0x55, 0x75
MOV, MOV_REGISTER, AND, OR_REGISTER = 0xB7, 0xBF, 0x57, 0x4F
LOAD, STORE = 0x79, 0x7B
NUMBER, POINTER, SUBPROGRAM, KFUNC, THROW = 1, 2, 3, 4, 5
RESULTS: dict[int, Simple] = {NUMBER: Number(), POINTER: Pointer(), SUBPROGRAM: SOMETHING, KFUNC: Number()}

Line = tuple[int, int, int, int, int]
"""code, dst, src, off, imm."""


def ksym(register: int) -> list[Line]:
    return [(LD_IMM64, register, 0, 0, 0), (0, 0, 0, 0, 0)]


def call(number: int) -> Line:
    return CALL, 0, 0, 0, number


def mov(register: int, value: int) -> Line:
    return MOV, register, 0, 0, value


LEAVE: Line = (EXIT, 0, 0, 0, 0)
TARGET = call(KFUNC)


def conditions(lines: list[Line], addresses: dict[int, str], read_only: frozenset[int] = frozenset()) -> Conditions:
    code = [Instruction(*line) for line in lines]
    scope = Scope(
        addresses,
        read_only,
        {},
        frozenset(),
        lambda at, instruction: None if instruction.imm == THROW else (RESULTS[instruction.imm], 0),
    )
    return Conditions(code, 0, len(code), scope, is_program=True)


def reach(lines: list[Line], *, there: bool = False, read_only: frozenset[int] = frozenset()) -> Truth:
    """Whether the last ``TARGET`` is reached where the ksym is ``there``; each ``ld_imm64`` loads its address."""
    wide = [at for at, line in enumerate(lines) if line[0] == LD_IMM64]
    addresses = {at: "bpf_x" for at in wide if at not in read_only}
    target = max(at for at, line in enumerate(lines) if line == TARGET)
    return reached(conditions(lines, addresses, read_only).over(target), lambda name: there)


GUARDED = [*ksym(1), (JEQ, 1, 0, 1, 0), TARGET, LEAVE]
RETURNED_EARLY = [*ksym(1), (JNE, 1, 0, 1, 0), LEAVE, TARGET, LEAVE]
IN_A_LOCAL = [mov(6, 1), *ksym(1), (JNE, 1, 0, 1, 0), mov(6, 0), call(NUMBER), (JEQ, 6, 0, 1, 0), TARGET, LEAVE]
SPILLED = [
    *ksym(1),
    (STORE, 10, 1, -8, 0),
    call(NUMBER),
    (LOAD, 2, 10, -8, 0),
    (JEQ, 2, 0, 1, 0),
    TARGET,
    LEAVE,
]
MOVED = [*ksym(1), (MOV_REGISTER, 7, 1, 0, 0), call(NUMBER), (JEQ, 7, 0, 1, 0), TARGET, LEAVE]
IN_A_LOOP = [
    *ksym(6),
    mov(7, 3),
    (JEQ, 6, 0, 3, 0),
    TARGET,
    (0x07, 7, 0, 0, -1),
    (JNE, 7, 0, -4, 0),
    LEAVE,
]
THROWN = [*ksym(1), (JNE, 1, 0, 1, 0), call(THROW), TARGET, LEAVE]
AND_AT_RUN_TIME = [call(NUMBER), (JEQ, 0, 0, 4, 0), *ksym(1), (JEQ, 1, 0, 1, 0), TARGET, LEAVE]


@pytest.mark.parametrize(
    "lines",
    [GUARDED, RETURNED_EARLY, IN_A_LOCAL, SPILLED, MOVED, IN_A_LOOP, THROWN, AND_AT_RUN_TIME],
    ids="guarded early local spilled moved loop thrown and".split(),
)
def test_a_guard_protects(lines: list[Line]) -> None:
    assert reach(lines, there=False) is Truth.FALSE
    assert reach(lines, there=True) is Truth.TRUE


INVERTED = [*ksym(1), (JNE, 1, 0, 1, 0), TARGET, LEAVE]
OR_AT_RUN_TIME = [call(NUMBER), (JNE, 0, 0, 3, 0), *ksym(1), (JEQ, 1, 0, 1, 0), TARGET, LEAVE]
AFTER_A_BRANCH = [call(NUMBER), (JEQ, 0, 0, 1, 0), call(NUMBER), TARGET, LEAVE]
BEHIND_A_POINTER = [call(POINTER), (JEQ, 0, 0, 1, 0), TARGET, LEAVE]
BOTH_WAYS = [call(NUMBER), (JEQ, 0, 0, 1, 7), TARGET, LEAVE]
SOMETIMES = [(MAY_GOTO, 0, 0, 1, 0), TARGET, LEAVE]
AFTER_A_LOOP = [call(NUMBER), (JNE, 0, 0, -2, 0), TARGET, LEAVE]
FROM_THE_CONTEXT = [(LOAD, 2, 1, 8, 0), (JSGE, 2, 0, 1, 5), TARGET, LEAVE]


@pytest.mark.parametrize(
    "lines",
    [INVERTED, OR_AT_RUN_TIME, AFTER_A_BRANCH, BEHIND_A_POINTER, BOTH_WAYS, SOMETIMES, AFTER_A_LOOP, FROM_THE_CONTEXT],
    ids="inverted or after pointer both may_goto loop context".split(),
)
def test_what_is_no_guard_does_not(lines: list[Line]) -> None:
    assert reach(lines, there=False) is Truth.TRUE


FROM_A_SUBPROGRAM = [call(SUBPROGRAM), (JEQ, 0, 0, 1, 0), TARGET, LEAVE]
READ_ONLY = [*ksym(1), (LOAD, 2, 1, 0, 0), (JEQ, 2, 0, 1, 0), TARGET, LEAVE]
NEGATIVE = [call(NUMBER), (JSGE, 0, 0, 1, 0), TARGET, LEAVE]
WITHOUT_A_POINTER = [call(POINTER), (JNE, 0, 0, 1, 0), TARGET, LEAVE]
OVERWRITTEN = [
    *ksym(1),
    (STORE, 10, 1, -8, 0),
    (MOV_REGISTER, 2, 10, 0, 0),
    (0x07, 2, 0, 0, -8),
    call(NUMBER),
    (LOAD, 3, 10, -8, 0),
    (JEQ, 3, 0, 1, 0),
    TARGET,
    LEAVE,
]
CHANGED_IN_A_LOOP = [
    *ksym(6),
    (JEQ, 6, 0, 4, 0),
    TARGET,
    call(SUBPROGRAM),
    (MOV_REGISTER, 6, 0, 0, 0),
    (JUMP, 0, 0, -5, 0),
    LEAVE,
]
OUT_OF_THE_FUNCTION = [(JEQ, 1, 0, 100, 0), TARGET, LEAVE]
INTO_A_LOOP = [(JEQ, 1, 0, 1, 0), call(NUMBER), TARGET, (JEQ, 0, 0, -3, 0), (JNE, 0, 0, -3, 0), LEAVE]


@pytest.mark.parametrize(
    ("lines", "read_only"),
    [
        (FROM_A_SUBPROGRAM, frozenset()),
        (READ_ONLY, frozenset({0})),
        (NEGATIVE, frozenset()),
        (WITHOUT_A_POINTER, frozenset()),
        (OVERWRITTEN, frozenset()),
        (CHANGED_IN_A_LOOP, frozenset()),
        (OUT_OF_THE_FUNCTION, frozenset()),
        (INTO_A_LOOP, frozenset()),
    ],
    ids="subprogram rodata negative null overwritten changed out middle".split(),
)
def test_what_is_not_followed_is_not_known(lines: list[Line], read_only: frozenset[int]) -> None:
    assert reach(lines, there=True, read_only=read_only) is Truth.UNKNOWN


def test_an_address_that_goes_elsewhere_is_no_guard() -> None:
    assert conditions(GUARDED, {0: "bpf_x"}).is_guard(0)
    stored = [*ksym(1), (STORE, 2, 1, 0, 0), (JEQ, 1, 0, 1, 0), TARGET, LEAVE]
    assert not conditions(stored, {0: "bpf_x"}).is_guard(0)
    mixed = [*ksym(1), (OR_REGISTER, 1, 2, 0, 0), (JEQ, 1, 0, 1, 0), TARGET, LEAVE]
    assert not conditions(mixed, {0: "bpf_x"}).is_guard(0)


def test_code_that_nothing_leads_to_is_never_reached() -> None:
    assert reach([LEAVE, TARGET, LEAVE]) is Truth.FALSE


def passed(lines: list[Line], globals_: dict[int, Pointer]) -> tuple[Value | None, ...]:
    """What ``TARGET`` is given, of which a third argument is not asked for."""
    code = [Instruction(*line) for line in lines]
    scope = Scope({}, frozenset(), globals_, frozenset(), lambda at, instruction: (RESULTS[instruction.imm], 2))
    found = Conditions(code, 0, len(code), scope, is_program=True)
    return found.passed(max(at for at, line in enumerate(lines) if line == TARGET))


def test_a_call_is_given_what_its_registers_hold() -> None:
    stack = [(MOV_REGISTER, 1, 10, 0, 0), (0x07, 1, 0, 0, -8)]
    assert passed([*stack, mov(2, 0), TARGET, LEAVE], {}) == (Value(Holds.STACK), Value(Holds.CONSTANT, 0))
    field = (LOAD, 2, 1, 0, 0)
    map_: dict[int, Pointer] = {1: Global(Holds.MAP)}
    assert passed([field, *ksym(1), TARGET, LEAVE], map_) == (Value(Holds.MAP), Value(Holds.VARYING))
    assert passed([call(NUMBER), (MOV_REGISTER, 1, 0, 0, 0), TARGET, LEAVE], {}) == (Value(Holds.NUMBER), None)


def test_a_number_that_a_test_has_narrowed_may_be_known() -> None:
    narrowed = [call(NUMBER), (MOV_REGISTER, 1, 0, 0, 0), (JNE, 1, 0, 1, 5), TARGET, LEAVE]
    assert passed(narrowed, {}) == (None, None)


def test_one_of_two_values_is_not_certain() -> None:
    either = [call(NUMBER), mov(1, 0), (JNE, 0, 0, 1, 5), mov(1, 8), TARGET, LEAVE]
    assert passed(either, {}) == (None, None)
