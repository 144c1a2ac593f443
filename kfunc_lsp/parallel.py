"""One function for many names, in several processes; the answers in order.

Processes are forked, so that what the function has at hand (kernels of some megabytes) is there at once. Where that is
not possible, or not worth it, everything is done in this process.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from multiprocessing.pool import Pool

T = TypeVar("T")

_FEWEST = 8
"""Names for each process that make it worth starting."""
_CHUNK = 4

_work: Callable[[str], Any] | None = None


class Workers(Generic[T]):
    """Up to ``jobs`` processes that answer ``work(name)``. A context: they are gone after it."""

    def __init__(self, work: Callable[[str], T], jobs: int) -> None:
        self._work = work
        self._jobs = jobs
        self._pool: Pool | None = None

    def __enter__(self) -> Workers[T]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.terminate()
            self._pool.join()

    def map(self, names: Sequence[str]) -> Iterator[T]:
        """The answer for each of ``names``, in order, each as soon as it is there."""
        jobs = min(self._jobs, len(names) // _FEWEST)
        if jobs < 2 or not sys.platform.startswith("linux"):
            return map(self._work, names)
        if self._pool is None:
            self._pool = self._started(jobs)
        return self._pool.imap(_answer, names, chunksize=_CHUNK)

    def _started(self, jobs: int) -> Pool:
        import multiprocessing
        import signal

        global _work
        _work = self._work
        gc.freeze()
        # Ctrl-C goes to every process of the terminal: one that it ended while it held the pool's lock would leave the
        # others waiting for ever. Processes and threads of the pool inherit the mask; this thread alone takes it.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            return multiprocessing.get_context("fork").Pool(jobs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _answer(name: str) -> Any:
    assert _work is not None
    return _work(name)


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
