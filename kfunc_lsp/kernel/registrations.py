"""Which program types a kfunc set is registered for, read from the machine code of an x86-64 kernel.

A stripped kernel has no names, but three facts lead from a set to its program types:

- a ``struct btf_kfunc_id_set`` is ``{owner, set, filter}``: built in, owner is 0, and set is the set's address;
- ``register_btf_kfunc_id_set(type, kset)`` gets that struct's address in ``%rsi`` and a constant in ``%edi``;
- ``register_btf_fmodret_id_set(kset)`` gets it in ``%rdi``.

And a filter's own code says which sets it looks at, through their addresses. Pure: sections in, registrations
out. Where the code has another form than is known here the answer is "unknown", never a guess.
"""

from __future__ import annotations

import re
import struct
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.kernel.program_types import FMODRET, hook_of

REGISTER = "register_btf_kfunc_id_set"
X86_64 = "x86_64"

_LAST_ADDRESS = (1 << 64) - 1
_MAX_PROGRAM_TYPE = 127
_MAX_REFERENCES = 1 << 16
_MAX_KSETS = 1 << 12
_MAX_LOADS = 1 << 20
"""A kernel has some 60 structs, and a sixteenth of these loads: what has more is none, and nothing is told of it."""

_POINTER = struct.Struct("<Q")
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
_SET_MEMBERS_OR_COUNT = re.compile(
    rb"\x48\xc7[\xc0-\xc7](....)|[\xb8-\xbf](....)|[\x8b\x8d][\x05\x0d\x15\x1d\x25\x2d\x35\x3d](....)", re.DOTALL
)
"""Where a filter names a set: ``mov $&set->pairs``, or ``set->cnt`` relative to the next instruction."""

_PAIRS_OFFSET = 8


@dataclass(frozen=True, slots=True)
class Registration:
    """One registration of a set: for which ``enum bpf_prog_type`` (or ``FMODRET``), with a filter or without.

    ``crossed`` says that a filter which another set brought to the same hook looks at this set too.
    """

    program_type: int
    filtered: bool = False
    crossed: bool = False


@dataclass(frozen=True, slots=True)
class Kset:
    """A ``struct btf_kfunc_id_set``: its address, the address of the set, and of the filter (0: none)."""

    address: int
    set_address: int
    filter: int


def find_ksets(code: Code, ids_size: int, *, has_filter: bool) -> list[Kset]:
    """Every struct that may be a ``btf_kfunc_id_set`` over some address in ``.BTF_ids``, by address.

    ``has_filter`` says whether this kernel's struct has that member (6.1's has not). Whether there is a set
    at the address is the caller's to check.
    """
    if code.arch != X86_64:
        return []
    start, end = code.ids_address, code.ids_address + ids_size
    executable = [(s.address, s.address + len(s.data)) for s in code.sections if s.executable]
    found: list[Kset] = []
    for section in code.sections:
        for at in _pointers_between(section, start, end):
            (set_address,) = _POINTER.unpack_from(section.data, at)
            if section.data[at - 8 : at] != bytes(8) and not code.symbols:
                continue
            filter_address = 0
            if has_filter:
                if at + 16 > len(section.data):
                    continue
                (filter_address,) = _POINTER.unpack_from(section.data, at + 8)
            if not filter_address or any(low <= filter_address < high for low, high in executable):
                found.append(Kset(section.address + at - 8, set_address, filter_address))
    return sorted(found, key=lambda kset: kset.address)


def read_registrations(
    code: Code, ksets: Collection[Kset], sets: Collection[int]
) -> dict[int, tuple[Registration, ...] | None]:
    """By address of a set, of those in ``sets``: its registrations, in the order of the code.

    ``None`` where there is one whose program type cannot be told; sets that are registered nowhere are absent.
    """
    ksets = [kset for kset in ksets if kset.set_address in sets]
    try:
        calls = list(_calls(code, {kset.address for kset in ksets}))
    except _NoKernel:
        return {kset.set_address: None for kset in ksets}
    types = _program_types(code, calls)
    filters_of = _filters_by_hook(ksets, types)
    seen = _sets_seen_by_filters(code, ksets, sets)
    found: dict[int, tuple[Registration, ...] | None] = {}
    for kset in ksets:
        known = types.get(kset.address, [])
        before = found.get(kset.set_address, ())
        if known is None or before is None:
            found[kset.set_address] = None
            continue
        each = [
            Registration(
                number,
                bool(kset.filter),
                any(
                    kset.set_address in seen.get(foreign, ())
                    for foreign in filters_of.get(hook_of(number), set()) - {kset.filter}
                ),
            )
            for number in known
        ]
        if each:
            found[kset.set_address] = (*before, *each)
    return found


def _program_types(code: Code, calls: Collection[_Call]) -> dict[int, list[int] | None]:
    """By address of a kset: the program types that it is registered for, ``None`` where one cannot be told."""
    target = code.symbols.get(REGISTER) or _most_common(calls)
    found: dict[int, list[int] | None] = {}
    for call in calls:
        types = found.setdefault(call.kset, [])
        if types is None:
            continue
        if call.opcode in _FIRST_ARGUMENT:
            types.append(FMODRET)
        elif call.opcode not in _SECOND_ARGUMENT or (number := _program_type(call, target)) is None:
            found[call.kset] = None
        else:
            types.append(number)
    return found


def _filters_by_hook(ksets: Collection[Kset], types: Mapping[int, list[int] | None]) -> dict[str, set[int]]:
    """By hook: the addresses of its filters. All of them run for every kfunc of the hook."""
    filters: dict[str, set[int]] = {}
    for kset in ksets:
        if kset.filter:
            for number in types.get(kset.address) or ():
                filters.setdefault(hook_of(number), set()).add(kset.filter)
    return filters


def _sets_seen_by_filters(code: Code, ksets: Collection[Kset], sets: Collection[int]) -> dict[int, frozenset[int]]:
    """By address of a filter: the addresses of the sets, of those in ``sets``, that its code looks at."""
    by_low = {address & 0xFFFFFFFF: address for address in sets}
    by_pairs = {(address + _PAIRS_OFFSET) & 0xFFFFFFFF: address for address in sets}
    return {
        address: frozenset(_sets_named(section, address, by_low, by_pairs))
        for address in {kset.filter for kset in ksets if kset.filter}
        for section in code.sections
        if section.executable and section.address <= address < section.address + len(section.data)
    }


class _NoKernel(Exception):
    """The code has more of something than any kernel's."""


@dataclass(frozen=True, slots=True)
class _Call:
    """One place that loads a kset's address into a register, which ``opcode`` tells.

    ``before`` and ``after`` are the code around it, ``targets`` where each call in ``after`` (as far as one can
    tell without decoding) goes, with its place there.
    """

    kset: int
    opcode: bytes
    before: bytes
    after: bytes
    targets: tuple[tuple[int, int], ...]


def _pointers_between(section: Section, start: int, end: int) -> Iterator[int]:
    """Offsets, aligned to 8 and with as many bytes before them, of pointers to [start, end).

    All these pointers share their upper six bytes but for a carry, so that a search finds them.
    """
    for high in range(start >> 16, (min(end - 1, _LAST_ADDRESS) >> 16) + 1):
        wanted = _POINTER.pack(high << 16)[2:]
        at = section.data.find(wanted)
        seen = 0
        while at >= 0 and seen < _MAX_REFERENCES:
            word = at - 2
            if word >= 8 and (section.address + word) % 8 == 0 and start <= _address(section, word) < end:
                yield word
            at = section.data.find(wanted, at + 1)
            seen += 1


def _address(section: Section, at: int) -> int:
    (address,) = _POINTER.unpack_from(section.data, at)
    return int(address)


def _calls(code: Code, ksets: Collection[int]) -> Iterator[_Call]:
    """Every place in code that loads a kset's address into ``%rsi`` or ``%rdi``, or near one into another register.

    Raises ``_NoKernel`` where there are more than a kernel has.
    """
    if len(ksets) > _MAX_KSETS:
        raise _NoKernel
    calls = 0
    by_low = {address & 0xFFFFFFFF: address for address in ksets}
    for section in code.sections:
        if not section.executable or not by_low:
            continue
        searched = 0
        for match, kset in _loads(_KSET_IN_ARGUMENT, section, 0, len(section.data), by_low):
            yield _call(section, match, kset)
            calls += 1
            if calls > _MAX_KSETS:
                raise _NoKernel
            start, searched = max(searched, match.start() - _NEARBY), match.end() + _NEARBY
            for other, kset in _loads(_KSET_ELSEWHERE, section, start, searched, by_low):
                yield _call(section, other, kset)


def _loads(
    pattern: re.Pattern[bytes], section: Section, start: int, end: int, by_low: Mapping[int, int]
) -> Iterator[tuple[re.Match[bytes], int]]:
    """The places in a part of ``section`` where ``pattern`` loads the address of a kset, and which."""
    for count, match in enumerate(pattern.finditer(section.data, start, end)):
        if count == _MAX_LOADS:
            raise _NoKernel
        value = int.from_bytes(match[0][_OPCODE_SIZE:], "little", signed=True)
        is_address = match[0][1] == _MOVE
        low = (value if is_address else section.address + match.end() + value) & 0xFFFFFFFF
        if low in by_low:
            yield match, by_low[low]


def _call(section: Section, load: re.Match[bytes], kset: int) -> _Call:
    start, end = load.span()
    after = section.data[end : end + _WINDOW]
    targets = []
    for match in _CALL.finditer(after):
        here = section.address + end + match.end()
        targets.append((here + int.from_bytes(match[1], "little", signed=True), match.start()))
    before = section.data[max(0, start - _BEFORE) : start]
    return _Call(kset, load[0][:_OPCODE_SIZE], before, after, tuple(targets))


def _most_common(calls: Collection[_Call]) -> int | None:
    """What is called first after all places but a few: ``register_btf_kfunc_id_set``."""
    targets = Counter(call.targets[0][0] for call in calls if call.opcode in _SECOND_ARGUMENT and call.targets)
    return max(targets, key=lambda target: (targets[target], -target)) if targets else None


def _program_type(call: _Call, function: int | None) -> int | None:
    """The constant in ``%edi`` when ``function`` is called: loaded after the kset's address, or else before it.

    ``None`` where it is no constant, or the function is not called.
    """
    end = next((place for target, place in call.targets if target == function), None)
    if end is None:
        return None
    match = _TYPE_IN_EDI.search(call.after, 0, end)
    if match is None:
        last_call = max((m.end() for m in _CALL.finditer(call.before)), default=0)
        match = max(_TYPE_IN_EDI.finditer(call.before, last_call), key=lambda m: m.start(), default=None)
    if match is None:
        return None
    number = 0 if match[2] is not None else match[1][0]
    return number if number <= _MAX_PROGRAM_TYPE else None


def _sets_named(
    section: Section, address: int, by_low: Mapping[int, int], by_pairs: Mapping[int, int]
) -> Iterator[int]:
    """The sets that the filter at ``address`` names, by themselves or by their members."""
    at = address - section.address
    end = min(len(section.data), at + _FILTER_SIZE)
    following = section.data.find(_ENDBR64, at + len(_ENDBR64), end)
    body = section.data[at : following if following >= 0 else end]
    for match in _SET_MEMBERS_OR_COUNT.finditer(body):
        value = match[1] or match[2]
        if value is not None:
            named = by_pairs.get(int.from_bytes(value, "little"))
        else:
            reached = address + match.end() + int.from_bytes(match[3], "little", signed=True)
            named = by_low.get(reached & 0xFFFFFFFF) or by_pairs.get(reached & 0xFFFFFFFF)
        if named is not None:
            yield named
