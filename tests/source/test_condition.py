"""``#if`` expressions, as C evaluates them."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfunc_lsp.source.condition import ConditionError, evaluate
from kfunc_lsp.source.expand import OutOfBudget
from kfunc_lsp.source.macros import Macro


def holds(expression: str, **macros: str) -> bool:
    table = {name: Macro(name, None, False, body) for name, body in macros.items()}

    def has(operator: str, operand: str) -> bool:
        return (operator, operand) == ("__has_include", "<there.h>")

    return evaluate(expression, table, has, set())


@pytest.mark.parametrize(
    "expression",
    [
        "1",
        "defined X",
        "defined(X) && !defined(Y)",
        "X == 3",
        "UNKNOWN == 0",
        "1 ? 1 : 0",
        "0 ? 0 : 2",
        "-1 < 0",
        "-1 > 0u",
        "~0 == -1",
        "1 << 4 == 16",
        "7 / -2 == -3",
        "-7 % 3 == -1",
        "0x10 == 16 && 010 == 8 && 0b11 == 3",
        "10UL == 10",
        "'a' == 97 && '\\n' == 10",
        "1 || 1 / 0",
        "(1 + 2) * 3 == 9",
        "2 + 3 * 4 == 14",
        "__has_include(<there.h>)",
        "!__has_include(<absent.h>)",
        "1 ? 0 ? 0 : 1 : 0",
    ],
)
def test_true(expression: str) -> None:
    assert holds(expression, X="3")
    assert not holds(f"!({expression})", X="3")


@pytest.mark.parametrize("expression", ["", "1 +", "(1", "1 1", "1 ? 2", "@", "08", "1.5", "__has_include(", '"x"'])
def test_what_is_no_expression_says_so(expression: str) -> None:
    with pytest.raises(ConditionError):
        holds(expression)


def test_nesting_ends() -> None:
    with pytest.raises(ConditionError):
        holds("(" * 5000 + "1" + ")" * 5000)
    with pytest.raises(ConditionError):
        holds("!" * 5000 + "1")


@given(st.text(alphabet="()!~+-*/%<>=&|^?:0123456789xabcXY \t'\"", max_size=60))
def test_any_text_gives_an_answer_or_the_one_error(text: str) -> None:
    with contextlib.suppress(ConditionError, OutOfBudget):
        assert holds(text, X="1", Y="X + Y") in (True, False)
