"""A short run of the fuzzer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.image.fuzz import fuzz, judge, seeds


def test_the_seeds_are_read() -> None:
    for data in seeds():
        judge(data)


@pytest.mark.slow
def test_a_minute_of_damaged_kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert fuzz(60, 7) > 1000
