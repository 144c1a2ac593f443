"""Kernels that take long to read, or go away, while a person works: the first answers do not wait for them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import kfunc_lsp.server.settings as settings
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled_series
from kfunc_lsp.server.settings import Settings
from tests.server.conftest import Begin
from tests.server.editor import IMPL_CALLED, ROOT

SLOWEST_FIRST = ["7.3", "6.18", "6.12"]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Callable[[object], Settings]:
    """Settings of a machine on which every kernel takes too long."""
    monkeypatch.setattr(settings, "_PATIENCE", 0.0)
    return lambda options: Settings(options, ["/nowhere"], pytest.fail)


def _names(kernels: tuple[Kernel, ...]) -> list[str]:
    return [kernel.name for kernel in kernels]


def test_the_first_kernel_answers_and_the_others_follow_one_by_one(slow: Callable[[object], Settings]) -> None:
    found = slow({"kernels": SLOWEST_FIRST})
    assert _names(found.selection("/nowhere").kernels) == SLOWEST_FIRST[:1]
    counts = []
    while found.waiting:
        found.load_next()
        counts.append(len(found.selection("/nowhere").kernels))
    assert counts == [2, 3]
    assert sorted(_names(found.selection("/nowhere").kernels)) == sorted(SLOWEST_FIRST)


def test_who_asks_for_more_kernels_waits_for_all(slow: Callable[[object], Settings]) -> None:
    """As the report does, which would show some columns only."""
    found = slow({"kernels": SLOWEST_FIRST[:2]})
    found.selection("/nowhere")
    assert set(_names(found.selection("/nowhere", tuple(bundled_series())).kernels)) >= set(bundled_series())
    assert not found.waiting
    assert len(found.selection("/nowhere").kernels) == 2


@pytest.mark.asyncio(loop_scope="session")
async def test_a_kernel_that_vanishes_is_told_of_once_and_the_rest_counts(settled: Begin, tmp_path: Path) -> None:
    ours = tmp_path / "ours.kpack"
    shutil.copy(next((ROOT / "kfunc_lsp" / "data" / "kernels").glob("7.3*")), ours)
    editor = await settled({"kernels": [str(ours), "6.18"]}, tmp_path.as_uri())
    uri = editor.open(IMPL_CALLED)
    (found,) = await editor.diagnostics(uri, 1)
    assert "6.18: fine" in found.message
    ours.unlink()
    for _ in range(2):
        editor.published.clear()
        editor.watched(ours.as_uri())
        assert await editor.diagnostics(uri, 1) == []
    (message,) = [message.message for message in editor.client.messages]
    assert str(ours) in message
    assert message.endswith(". Checking against: 6.18.")
