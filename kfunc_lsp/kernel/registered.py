"""The kfunc sets of a kernel, each with what it is registered for, from whatever the source has.

Joins ``sets`` (which functions, which flags) and ``registrations`` (which program types); a pack stores the
latter (``encode_registrations``), an image shows it in its code.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import BtfError
from kfunc_lsp.kernel.model import Hook
from kfunc_lsp.kernel.program_types import FMODRET, Registration, hook_of, program_type_name
from kfunc_lsp.kernel.sets import KfuncSet, find_sets, sets_without_header

if TYPE_CHECKING:
    from kfunc_lsp.image.code import Code

_MAX_IDS = 1 << 18
"""That of 7.3 has a twentieth of it."""

_UNKNOWN = 0xFF
_STORED_FMODRET = 0xFF
_FILTERED, _CROSSED = 1, 2
_KSET_STRUCT = "btf_kfunc_id_set"
_RECORD = struct.Struct("<BB")


@dataclass(frozen=True, slots=True)
class RegisteredSet:
    """One set, and its registrations: ``None`` where they are not known, empty where there is none."""

    members: KfuncSet
    registrations: tuple[Registration, ...] | None


def registered_sets(
    btf: Btf, ids: bytes, code: Code | None = None, registrations: bytes | None = None
) -> list[RegisteredSet]:
    """The kfunc sets in ``ids``, with what ``code`` or else a pack's ``registrations`` say of each.

    A kernel before 6.9 does not mark its kfunc sets; there they are those that ``code``, where it is read, has structs
    for. Raises ``BtfError`` where ``ids`` are larger than any kernel's.
    """
    if len(ids) > _MAX_IDS:
        raise BtfError(f".BTF_ids: {len(ids)} bytes are more than any kernel has")
    sets = find_sets(ids, btf)
    if code is None:
        if registrations is None:
            return [RegisteredSet(members, None) for members in (sets or sets_without_header(ids, btf)).values()]
        stored = _decode(registrations, len(sets))
        return [RegisteredSet(members, each) for members, each in zip(sets.values(), stored, strict=True)]
    # most kernels come as packs, where none of this is needed
    from kfunc_lsp.kernel.registrations import find_ksets, read_registrations

    ksets = find_ksets(code, len(ids), has_filter=_has_filter(btf))
    if not sets and registrations is None:
        pointed = {kset.set_address - code.ids_address for kset in ksets}
        early = sets_without_header(ids, btf)
        sets = {offset: members for offset, members in early.items() if offset in pointed or not pointed}
    found = read_registrations(code, ksets, {code.ids_address + offset for offset in sets})
    return [
        RegisteredSet(members, found.get(code.ids_address + offset, ()) if found else None)
        for offset, members in sets.items()
    ]


def hooks_of(func_id: int, sets: Iterable[RegisteredSet]) -> tuple[Hook, ...] | None:
    """The hooks that a FUNC is registered with, by name, where ``sets`` are those that have it; ``None``: not known.

    A function of sets that are registered nowhere counts as not known: its registration may have a form that
    is not recognised.
    """
    hooks: dict[str, Hook] = {}
    for each in sets:
        if each.registrations is None:
            return None
        for registration in each.registrations:
            _add(hooks, registration, each.members[func_id])
    return tuple(hooks[name] for name in sorted(hooks)) or None


def encode_registrations(sets: Sequence[RegisteredSet]) -> bytes | None:
    """What ``registered_sets`` reads back, in the order of the sets; ``None`` where nothing is known."""
    if all(each.registrations is None for each in sets):
        return None
    data = b""
    for each in sets:
        if each.registrations is None:
            data += bytes([_UNKNOWN])
            continue
        data += bytes([len(each.registrations)])
        for one in each.registrations:
            number = _STORED_FMODRET if one.program_type == FMODRET else one.program_type
            data += _RECORD.pack(number, _FILTERED * one.filtered | _CROSSED * one.crossed)
    return data


def _add(hooks: dict[str, Hook], registration: Registration, flags: int) -> None:
    name = hook_of(registration.program_type)
    known = hooks.get(name, Hook(name, 0, False, False, ()))
    program_types = () if registration.program_type == FMODRET else (program_type_name(registration.program_type),)
    hooks[name] = Hook(
        name,
        known.flags | flags,
        known.filtered or registration.filtered,
        known.crossed or registration.crossed,
        tuple(dict.fromkeys(known.program_types + program_types)),
    )


def _has_filter(btf: Btf) -> bool:
    """Whether this kernel's ``struct btf_kfunc_id_set`` has the member ``filter`` (from 6.4; else as today's)."""
    owner: Btf | None = btf
    while owner is not None:
        for type_id in owner.find(_KSET_STRUCT, Kind.STRUCT):
            return "filter" in (owner.string(offset) for offset in owner.record(type_id).extra[::3])
        owner = owner.base
    return True


def _decode(data: bytes, count: int) -> list[tuple[Registration, ...] | None]:
    """The registrations of ``count`` sets; what is cut or missing is not known."""
    found: list[tuple[Registration, ...] | None] = []
    at = 0
    while len(found) < count and at < len(data):
        size = data[at]
        at += 1
        if size == _UNKNOWN:
            found.append(None)
            continue
        end = at + size * _RECORD.size
        if end > len(data):
            break
        found.append(tuple(_stored(*pair) for pair in _RECORD.iter_unpack(data[at:end])))
        at = end
    return found + [None] * (count - len(found))


def _stored(number: int, bits: int) -> Registration:
    program_type = FMODRET if number == _STORED_FMODRET else number
    return Registration(program_type, bool(bits & _FILTERED), bool(bits & _CROSSED))
