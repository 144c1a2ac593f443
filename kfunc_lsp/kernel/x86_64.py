"""Arguments and addresses in the machine code of x86-64: the first argument is in ``%edi``, the second in ``%rsi``.

Looks for instructions by their bytes, without decoding what is between.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.kernel.arguments import FIRST, MAX_KSETS, MAX_PROGRAM_TYPE, SECOND, NoKernelError, Use

_MAX_LOADS = 1 << 20
"""A kernel has a sixteenth of these loads."""

_KSET_IN_ARGUMENT = re.compile(rb"\x48(?:\xc7[\xc6\xc7]|\x8d[\x35\x3d])....", re.DOTALL)
"""``mov $imm32,%rsi`` and ``%rdi``, and ``lea disp32(%rip)`` into either (a position independent kernel).

One literal byte in front makes the search through 20 MB of code ten times as fast."""

_KSET_ELSEWHERE = re.compile(
    rb"(?:\x48(?:\xc7[\xc0-\xc5]|\x8d[\x05\x0d\x15\x1d\x25\x2d])|"
    rb"\x49\xc7[\xc0-\xc7]|\x4c\x8d[\x05\x0d\x15\x1d\x25\x2d\x35\x3d])....",
    re.DOTALL,
)
"""The same with another register, from where the address goes where we do not follow it."""

_OPCODE_SIZE = 3
_MOVE = 0xC7
_NEARBY = 1 << 10
"""Bytes around a registration within which its function's other uses of the address are looked for."""

_SECOND_ARGUMENT = (b"\x48\xc7\xc6", b"\x48\x8d\x35")
_FIRST_ARGUMENT = (b"\x48\xc7\xc7", b"\x48\x8d\x3d")
_TYPE_IN_EDI = re.compile(rb"\xbf(.)\0\0\0|\x31(\xff)", re.DOTALL)
"""``mov $imm32,%edi`` and ``xor %edi,%edi``."""

_CALL = re.compile(rb"[\xe8\xe9](....)", re.DOTALL)
_WINDOW = 80
"""Bytes after the kset's address within which the call comes: a stack protector's prologue fits between."""

_BEFORE = 32
_FILTER_SIZE = 1024
_ENDBR64 = b"\xf3\x0f\x1e\xfa"
_ADDRESS = re.compile(
    rb"\x48\xc7[\xc0-\xc7](....)|[\xb8-\xbf](....)|[\x8b\x8d][\x05\x0d\x15\x1d\x25\x2d\x35\x3d](....)", re.DOTALL
)
"""Where a filter names a set: ``mov $&set->pairs``, or ``set->cnt`` relative to the next instruction."""


def uses(code: Code, ksets: Collection[int]) -> Iterator[Use]:
    """Every place in code that loads a kset's address into ``%rsi`` or ``%rdi``, or near one into another register.

    Raises ``NoKernelError`` where there are more than a kernel has.
    """
    if len(ksets) > MAX_KSETS:
        raise NoKernelError
    count = 0
    by_low = {address & 0xFFFFFFFF: address for address in ksets}
    for section in code.sections:
        if not section.executable or not by_low:
            continue
        searched = 0
        for match, kset in _loads(_KSET_IN_ARGUMENT, section, 0, len(section.data), by_low):
            yield _use(section, match, kset)
            count += 1
            if count > MAX_KSETS:
                raise NoKernelError
            start, searched = max(searched, match.start() - _NEARBY), match.end() + _NEARBY
            for other, kset in _loads(_KSET_ELSEWHERE, section, start, searched, by_low):
                yield _use(section, other, kset)


def addresses_named(section: Section, address: int) -> Iterator[int]:
    """The lower halves of the addresses that the function at ``address`` (a filter) names."""
    at = address - section.address
    end = min(len(section.data), at + _FILTER_SIZE)
    following = section.data.find(_ENDBR64, at + len(_ENDBR64), end)
    body = section.data[at : following if following >= 0 else end]
    for match in _ADDRESS.finditer(body):
        value = match[1] or match[2]
        if value is not None:
            yield int.from_bytes(value, "little")
        else:
            yield address + match.end() + int.from_bytes(match[3], "little", signed=True) & 0xFFFFFFFF


def _loads(
    pattern: re.Pattern[bytes], section: Section, start: int, end: int, by_low: Mapping[int, int]
) -> Iterator[tuple[re.Match[bytes], int]]:
    """The places in a part of ``section`` where ``pattern`` loads the address of a kset, and which."""
    for count, match in enumerate(pattern.finditer(section.data, start, end)):
        if count == _MAX_LOADS:
            raise NoKernelError
        value = int.from_bytes(match[0][_OPCODE_SIZE:], "little", signed=True)
        is_address = match[0][1] == _MOVE
        low = (value if is_address else section.address + match.end() + value) & 0xFFFFFFFF
        if low in by_low:
            yield match, by_low[low]


def _use(section: Section, load: re.Match[bytes], kset: int) -> Use:
    start, end = load.span()
    before = section.data[max(0, start - _BEFORE) : start]
    after = section.data[end : end + _WINDOW]
    calls = tuple(
        (
            section.address + end + match.end() + int.from_bytes(match[1], "little", signed=True),
            _first_argument(before, after[: match.start()]),
        )
        for match in _CALL.finditer(after)
    )
    opcode = load[0][:_OPCODE_SIZE]
    argument = FIRST if opcode in _FIRST_ARGUMENT else SECOND if opcode in _SECOND_ARGUMENT else None
    return Use(kset, argument, calls)


def _first_argument(before: bytes, after: bytes) -> int | None:
    """The constant in ``%edi``: loaded ``after`` the kset's address, or else since the last call ``before`` it."""
    match = _TYPE_IN_EDI.search(after)
    if match is None:
        last_call = max((m.end() for m in _CALL.finditer(before)), default=0)
        match = max(_TYPE_IN_EDI.finditer(before, last_call), key=lambda m: m.start(), default=None)
    if match is None:
        return None
    number = 0 if match[2] is not None else match[1][0]
    return number if number <= MAX_PROGRAM_TYPE else None
