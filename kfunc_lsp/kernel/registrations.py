"""Which program types a kfunc set is registered for, read from a kernel's data and machine code.

A stripped kernel has no names, but three facts lead from a set to its program types:

- a ``struct btf_kfunc_id_set`` is ``{owner, set, filter}``: built in, owner is 0, and set is the set's address;
- ``register_btf_kfunc_id_set(type, kset)`` gets that struct's address as its second argument, and a constant as its
  first;
- ``register_btf_fmodret_id_set(kset)`` gets it as its first.

And a filter's own code says which sets it looks at, through their addresses. How arguments and addresses look in
instructions is ``x86_64``'s and ``aarch64``'s business. Pure: sections in, registrations out. Where the code has
another form than is known here the answer is "unknown", never a guess.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.kernel import aarch64, x86_64
from kfunc_lsp.kernel.arguments import FIRST, SECOND, NoKernelError, Use
from kfunc_lsp.kernel.program_types import FMODRET, Registration, hook_of

REGISTER = "register_btf_kfunc_id_set"

_USES: Mapping[str, Callable[[Code, Collection[int]], Iterator[Use]]] = {
    "x86_64": x86_64.uses,
    "aarch64": aarch64.uses,
}
_NAMED: Mapping[str, Callable[[Section, int], Iterator[int]]] = {
    "x86_64": x86_64.addresses_named,
    "aarch64": aarch64.addresses_named,
}
_LAST_ADDRESS = (1 << 64) - 1
_LOW = 0xFFFFFFFF
_MAX_REFERENCES = 1 << 16
_POINTER = struct.Struct("<Q")
_PAIRS_OFFSET = 8


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
    if code.arch not in _USES:
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
    if not ksets:
        return {}
    try:
        uses = list(_USES[code.arch](code, {kset.address for kset in ksets}))
    except NoKernelError:
        return {kset.set_address: None for kset in ksets}
    types = _program_types(code, uses)
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


def _program_types(code: Code, uses: Collection[Use]) -> dict[int, list[int] | None]:
    """By address of a kset: the program types that it is registered for, ``None`` where one cannot be told."""
    target = code.symbols.get(REGISTER) or _most_common(uses)
    found: dict[int, list[int] | None] = {}
    for use in uses:
        types = found.setdefault(use.kset, [])
        if types is None:
            continue
        if use.argument == FIRST:
            types.append(FMODRET)
            continue
        number = next((number for function, number in use.calls if function == target), None)
        if use.argument != SECOND or number is None:
            found[use.kset] = None
        else:
            types.append(number)
    return found


def _most_common(uses: Collection[Use]) -> int | None:
    """What is called first after all places but a few: ``register_btf_kfunc_id_set``."""
    targets = Counter(use.calls[0][0] for use in uses if use.argument == SECOND and use.calls)
    return max(targets, key=lambda target: (targets[target], -target)) if targets else None


def _filters_by_hook(ksets: Collection[Kset], types: Mapping[int, list[int] | None]) -> dict[str, set[int]]:
    """By hook: the addresses of its filters. All of them run for every kfunc of the hook."""
    filters: dict[str, set[int]] = {}
    for kset in ksets:
        if kset.filter:
            for number in types.get(kset.address) or ():
                filters.setdefault(hook_of(number), set()).add(kset.filter)
    return filters


def _sets_seen_by_filters(code: Code, ksets: Collection[Kset], sets: Collection[int]) -> dict[int, frozenset[int]]:
    """By address of a filter: the addresses of the sets, of those in ``sets``, that its code names, or their pairs."""
    by_low = {(address + offset) & _LOW: address for address in sets for offset in (0, _PAIRS_OFFSET)}
    return {
        address: frozenset(by_low[low] for low in _NAMED[code.arch](section, address) if low in by_low)
        for address in {kset.filter for kset in ksets if kset.filter}
        for section in code.sections
        if section.executable and section.address <= address < section.address + len(section.data)
    }


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
