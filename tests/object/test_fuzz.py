"""Damaged objects give one typed error or a unit; ``fuzz`` has the long runs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.object.fuzz import SEEDS, fuzz, judge, kernel

KERNEL = kernel()


def test_damaged_objects_give_an_error_or_a_unit() -> None:
    outcomes = fuzz(400, 1)
    assert min(outcomes["objects"], outcomes["errors"]) > 20


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 1), st.data())
def test_one_wrong_byte_anywhere(seed: int, data: st.DataObject) -> None:
    image = bytearray(SEEDS[seed])
    image[data.draw(st.integers(0, len(image) - 1))] = data.draw(st.integers(0, 255))
    judge(bytes(image), KERNEL)
