"""The kfunc sets of ``.BTF_ids``: which functions the kernel registers as kfuncs, with which flags.

A set (``BTF_KFUNCS_START`` … ``BTF_KFUNCS_END``) is a count, the word ``BTF_SET8_KFUNCS``, and pairs of a
FUNC's id and its KF_* flags, ascending by id. The section carries no names in a stripped image and holds
other things besides, so the sets are recognised by this structure. What the flags mean is ``flags``'
business.

Kernels before 6.9 leave the word zero; their sets are told from other id sets only by what refers to them, so
``set_without_header`` reads one at an offset that the caller knows.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind

BTF_SET8_KFUNCS = 1

KfuncSet = Mapping[int, int]
"""FUNC id to KF_* flags, ascending by id."""


def parse_sets(ids: bytes, btf: Btf) -> list[KfuncSet]:
    """The kfunc sets in ``ids``: what ``find_sets`` gives, without where they are."""
    return list(find_sets(ids, btf).values())


def find_sets(ids: bytes, btf: Btf) -> dict[int, KfuncSet]:
    """The kfunc sets in ``ids``, the bytes of a ``.BTF_ids`` section in ``btf``'s byte order and ids, by offset.

    Bytes that have another structure are passed over, as is a last word that is cut; so nothing is ever
    raised, and a section without kfunc sets gives an empty result.
    """
    words = _words(ids, btf)
    sets: dict[int, KfuncSet] = {}
    at = 0
    while at + 4 <= len(words):
        members = _set_at(words, at, btf) if words[at + 1] == BTF_SET8_KFUNCS else None
        if members is None:
            at += 1
        else:
            sets[4 * at] = members
            at += 2 + 2 * len(members)
    return sets


def set_without_header(ids: bytes, offset: int, btf: Btf) -> KfuncSet | None:
    """The set at ``offset``, whose header word is zero as before 6.9; ``None`` where there is none."""
    words = _words(ids, btf)
    at = offset // 4
    if offset % 4 or at + 4 > len(words) or words[at + 1]:
        return None
    return _set_at(words, at, btf)


def encode_sets(sets: Iterable[KfuncSet]) -> bytes:
    """``sets`` as a little-endian ``.BTF_ids`` section."""
    words: list[int] = []
    for members in sets:
        words += [len(members), BTF_SET8_KFUNCS]
        for func_id, flags in sorted(members.items()):
            words += [func_id, flags]
    return struct.pack(f"<{len(words)}I", *words)


def _words(ids: bytes, btf: Btf) -> array[int]:
    order = "<" if btf.byte_order == "little" else ">"
    return array("I", struct.unpack_from(f"{order}{len(ids) // 4}I", ids))


def _set_at(words: array[int], at: int, btf: Btf) -> KfuncSet | None:
    count = words[at]
    pairs = words[at + 2 : at + 2 + 2 * count]
    if not count or len(pairs) != 2 * count:
        return None
    members: dict[int, int] = {}
    last = 0
    for func_id, flags in zip(pairs[::2], pairs[1::2], strict=True):
        if not last < func_id < btf.type_count or btf.kind(func_id) != Kind.FUNC:
            return None
        members[func_id] = flags
        last = func_id
    return members
