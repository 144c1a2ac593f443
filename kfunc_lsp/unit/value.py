"""What is passed to a ksym: what the verifier will find in the argument's register, as far as the program tells.

Only what is certain is said. How it is found out is the business of who reads the program (``source``, ``object``).
"""

from __future__ import annotations

from enum import Enum

from kfunc_lsp.dataclass import dataclass


class Holds(Enum):
    """What a register holds.

    ``CONSTANT`` is a number that the verifier knows, ``NUMBER`` one that only the running program knows, ``VARYING`` a
    number or a pointer that is no known constant. The others are addresses: of the stack, of a global variable, of data
    that libbpf freezes (strings, ``const`` variables), of a map, of a value in a map (or NULL), of a function of the
    program.
    """

    CONSTANT = "constant"
    NUMBER = "number"
    VARYING = "varying"
    STACK = "stack"
    DATA = "data"
    READ_ONLY = "read only"
    MAP = "map"
    MAP_VALUE = "map value"
    FUNCTION = "function"


@dataclass(frozen=True, slots=True)
class Value:
    """One argument.

    ``number`` is a constant's (64 bits without sign), ``None`` where it is not known here which. ``is_bounded`` tells
    that the program has masked a number, or compared it with a bound.
    """

    holds: Holds
    number: int | None = None
    is_bounded: bool = False

    @property
    def is_null(self) -> bool:
        """Whether it is NULL, which the verifier does not tell from the number 0."""
        return self.holds is Holds.CONSTANT and self.number == 0
