"""What ``registrations`` asks of a machine's code: where a struct's address becomes an argument, and of which call.

Owns the values alone; ``x86_64`` and ``aarch64`` find them in instructions.
"""

from __future__ import annotations

from kfunc_lsp.dataclass import dataclass

FIRST, SECOND = 0, 1
"""An argument's number."""

MAX_KSETS = 1 << 12
"""A kernel has some 60 structs: what has more is none, and nothing is told of it."""

MAX_PROGRAM_TYPE = 127


class NoKernelError(Exception):
    """The code has more of something than any kernel's."""


@dataclass(frozen=True, slots=True)
class Use:
    """One place where the address of the struct at ``kset`` is made.

    ``argument`` is ``FIRST`` or ``SECOND``, or ``None`` where the address goes where it is not followed. ``calls`` are
    the functions called afterwards, the next first, each with the constant in its first argument (``None``: not known).
    """

    kset: int
    argument: int | None
    calls: tuple[tuple[int, int | None], ...]
