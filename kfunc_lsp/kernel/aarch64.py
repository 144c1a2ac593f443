"""Arguments and addresses in the machine code of arm64: the first argument is in ``x0``, the second in ``x1``.

An address is made in two steps or more, ``adrp`` for its page and ``add`` for the rest, which may be far apart. So the
code around each ``adrp`` of a wanted page is walked in order, and what is in each register followed as far as it is
constant: through ``adrp``, ``add``, ``mov`` and forward branches; a call forgets what it may change.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator
from itertools import islice

from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.kernel.arguments import FIRST, MAX_KSETS, MAX_PROGRAM_TYPE, SECOND, NoKernelError, Use

_PAGE = 1 << 12
_MAX_PAGES = 1 << 7
"""A kernel's structs are in two dozen pages, and as many before them, from where a larger object's begin counts."""

_BEFORE, _AFTER = 64, 1024
"""Bytes around an ``adrp`` that are walked."""

_MAX_CANDIDATES, _MAX_WALKED, _MAX_PASSES = 1 << 19, 1 << 21, 1 << 14
"""Words that end as an ``adrp``, bytes walked, and uses: half of each, or less, is in a kernel."""

_FILTER_SIZE = 1024
_NOPS = struct.pack("<II", 0xD503201F, 0xD503201F)
"""What functions that can be traced begin with."""

_CALLER_SAVED = frozenset(range(19))
_ZERO_REGISTER = 31
_RET = 0xD65F03C0
_ADRP, _ADRP_MASK = 0x90000000, 0x9F000000
_ADRP_END = re.compile(rb"[\x90\xb0\xd0\xf0]")
"""The last byte of an ``adrp``: where a search begins, since the others may be any."""

_ADD, _ADD_MASK = 0x91000000, 0xFFC00000
_LDR, _LDR_MASK = 0xB9400000, 0xFFC00000
_MOV, _MOV_MASK = 0xAA0003E0, 0xFFE0FFE0
_MOVZ, _MOVZ_MASK = 0x52800000, 0xFFE00000
_MOV_WZR, _MOV_WZR_MASK = 0x2A1F03E0, 0xFFFFFFE0
_BRANCH, _BRANCH_MASK = 0x14000000, 0x7C000000
_LINKS = 1 << 31
_IF_ZERO, _IF_BIT, _IF_MASK = 0x34000000, 0x36000000, 0x7E000000
_IF_NOT = 1 << 24
_IF_FLAGS, _IF_FLAGS_MASK = 0x54000000, 0xFF000000
_MEMORY, _MEMORY_MASK = 0x08000000, 0x0A000000
_PAIR, _PAIR_MASK = 0x28000000, 0x38000000
_LOADS, _LOADS_SIGNED = 1 << 22, 1 << 23
_SPILL, _RELOAD, _STACK_MASK = 0xF90003E0, 0xF94003E0, 0xFFC003E0
_SLOTS = 32
"""What is kept at ``[sp, #8 * n]`` counts as the register of this number and ``n``."""


def uses(code: Code, ksets: Collection[int]) -> Iterator[Use]:
    """Every call that gets a kset's address; a jump is one where it goes to what is called elsewhere.

    Where the second argument of such a call is not known, it may be any kset that the code around names.

    Raises ``NoKernelError`` where there are more than a kernel has.
    """
    pages = {address - offset & -_PAGE for address in ksets for offset in (0, _PAGE)}
    if len(ksets) > MAX_KSETS or len(pages) > _MAX_PAGES:
        raise NoKernelError
    wanted = frozenset(ksets)
    every = (each for section in code.sections if section.executable for each in _passes(section, pages, wanted))
    found = list(islice(every, _MAX_PASSES + 1))
    if len(found) > _MAX_PASSES:
        raise NoKernelError
    called = {use.calls[0][0] for use, is_jump in found if use.argument is not None and not is_jump}
    for use, _ in found:
        if use.calls[0][0] in called:
            yield use


def addresses_named(section: Section, address: int) -> Iterator[int]:
    """The lower halves of the addresses that the function at ``address`` (a filter) makes or loads from."""
    at = address - section.address
    end = min(len(section.data), at + _FILTER_SIZE)
    following = section.data.find(_NOPS, at + 4 * 4, end)
    walk = _Walk(section, at, following if following >= 0 else end)
    for _ in walk:
        if walk.named is not None:
            yield walk.named & 0xFFFFFFFF


def _passes(section: Section, pages: Collection[int], ksets: frozenset[int]) -> Iterator[tuple[Use, bool]]:
    """Every call or jump with the address of a kset in an argument, or perhaps in one, and whether it is a jump."""
    for start, end in _around(section, pages):
        walk = _Walk(section, start, end)
        named: set[int] = set()
        for branch in walk:
            if walk.named in ksets:
                named.add(walk.named)
            if branch is None:
                continue
            target, is_jump = branch
            first, second = walk.registers.get(FIRST), walk.registers.get(SECOND)
            if second in ksets:
                number = first if first is not None and first <= MAX_PROGRAM_TYPE else None
                yield Use(second, SECOND, ((target, number),)), is_jump
            elif first in ksets:
                yield Use(first, FIRST, ((target, None),)), is_jump
            elif second is None:
                for kset in sorted(named):
                    yield Use(kset, None, ((target, None),)), is_jump


def _around(section: Section, pages: Collection[int]) -> list[tuple[int, int]]:
    """The parts of ``section`` around each ``adrp`` of one of ``pages``, in order, apart."""
    found = []
    for count, match in enumerate(_ADRP_END.finditer(section.data[3::4])):
        if count == _MAX_CANDIDATES:
            raise NoKernelError
        at = 4 * match.start()
        word = int.from_bytes(section.data[at : at + 4], "little")
        if _page(word, section.address + at) in pages:
            found.append(at)
    parts: list[tuple[int, int]] = []
    for at in sorted(found):
        start = max(0, at - _BEFORE)
        if parts and start <= parts[-1][1]:
            start = parts.pop()[0]
        parts.append((start, min(len(section.data), at + _AFTER)))
    if sum(end - start for start, end in parts) > _MAX_WALKED:
        raise NoKernelError
    return parts


class _Walk:
    """The instructions of a part of ``section``, one after the other.

    Iteration gives, of each, the address that it calls or jumps to and whether it is a jump, or ``None``. ``registers``
    are the constants before it; ``named`` is the address that it makes or loads from, if any. Where a forward branch
    comes in, only what is the same on both ways is known.
    """

    def __init__(self, section: Section, start: int, end: int) -> None:
        self.registers: dict[int, int] = {}
        self.named: int | None = None
        self._address = section.address + start
        self._words = struct.unpack_from(f"<{(end - start) // 4}I", section.data, start)
        self._arriving: dict[int, dict[int, int]] = {}

    def __iter__(self) -> Iterator[tuple[int, bool] | None]:
        goes_on = True
        for here, word in enumerate(self._words):
            self.named = None
            arriving = self._arriving.pop(here, None)
            if arriving is not None:
                self.registers = _common(self.registers, arriving) if goes_on else arriving
            goes_on = True
            if word & _BRANCH_MASK == _BRANCH:
                target = here + _signed(word, 26)
                goes_on = word & _LINKS != 0
                yield self._address + 4 * target, not goes_on
                if goes_on:
                    self.registers = {r: value for r, value in self.registers.items() if r not in _CALLER_SAVED}
                else:
                    self._arrive(here, target, self.registers)
            elif word == _RET:
                yield None
                goes_on = False
            elif word & _IF_MASK == _IF_ZERO:
                yield None
                zero = {**self.registers, word & 31: 0}
                self._arrive(here, here + _signed(word >> 5, 19), self.registers if word & _IF_NOT else zero)
                self.registers = zero if word & _IF_NOT else self.registers
            elif word & _IF_FLAGS_MASK == _IF_FLAGS or word & _IF_MASK == _IF_BIT:
                yield None
                bits = 19 if word & _IF_FLAGS_MASK == _IF_FLAGS else 14
                self._arrive(here, here + _signed(word >> 5, bits), self.registers)
            else:
                value = self._value(word, here)
                yield None
                changed = _changed(word)
                self.registers.pop(changed, None)
                if value is not None:
                    self.registers[changed] = value
            if not goes_on:
                self.registers = {}

    def _arrive(self, here: int, target: int, registers: dict[int, int]) -> None:
        """Note what is known at ``target`` if it is reached from ``here``, a branch before it."""
        if here < target < len(self._words):
            known = self._arriving.get(target)
            self._arriving[target] = dict(registers) if known is None else _common(known, registers)

    def _value(self, word: int, here: int) -> int | None:
        """The constant that an instruction puts into its register, if it is one that is followed."""
        source = self.registers.get(word >> 5 & 31)
        if word & _ADRP_MASK == _ADRP:
            return _page(word, self._address + 4 * here)
        if word & _ADD_MASK == _ADD and source is not None:
            self.named = source + (word >> 10 & 0xFFF)
            return self.named
        if word & _LDR_MASK == _LDR and source is not None:
            self.named = source + 4 * (word >> 10 & 0xFFF)
        if word & _STACK_MASK == _SPILL:
            return self.registers.get(word & 31)
        if word & _STACK_MASK == _RELOAD:
            return self.registers.get(_SLOTS + (word >> 10 & 0xFFF))
        if word & _MOV_MASK == _MOV:
            return self.registers.get(word >> 16 & 31)
        if word & _MOVZ_MASK == _MOVZ:
            return word >> 5 & 0xFFFF
        return 0 if word & _MOV_WZR_MASK == _MOV_WZR else None


def _page(word: int, here: int) -> int:
    """The address that an ``adrp`` at ``here`` makes."""
    return (here & -_PAGE) + _PAGE * _signed((word >> 5 & 0x7FFFF) << 2 | word >> 29 & 3, 21)


def _changed(word: int) -> int:
    """The register (or slot of the stack) that an instruction, which is no branch, writes: its first, if several."""
    if word & _STACK_MASK == _SPILL:
        return _SLOTS + (word >> 10 & 0xFFF)
    is_signed_load = word & _PAIR_MASK != _PAIR and word & _LOADS_SIGNED
    is_store = word & _MEMORY_MASK == _MEMORY and not word & _LOADS and not is_signed_load
    return _ZERO_REGISTER if is_store else word & 31


def _common(one: dict[int, int], other: dict[int, int]) -> dict[int, int]:
    return {register: value for register, value in one.items() if other.get(register) == value}


def _signed(value: int, bits: int) -> int:
    """The lowest ``bits`` of ``value`` as a signed number."""
    value &= (1 << bits) - 1
    return value - ((value & 1 << bits - 1) << 1)
