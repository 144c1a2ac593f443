"""What a unit was read from, to be compared with an earlier state of the same program."""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol


class Reading(Protocol):
    """How one state of a program was read."""

    def since(self, earlier: Reading) -> Set[str] | None:
        """The externs and functions about which the unit may say anything else than it did when ``earlier`` was made.

        ``None`` where that may be any, or what the unit says of itself is another.
        """
