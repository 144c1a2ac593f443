"""The kfunc sets of ``.BTF_ids``: which functions the kernel registers as kfuncs, with which flags.

A set (``BTF_KFUNCS_START`` … ``BTF_KFUNCS_END``) is a count, the word ``BTF_SET8_KFUNCS``, and pairs of a
FUNC's id and its KF_* flags, ascending by id. The section carries no names in a stripped image and holds
other things besides, so the sets are recognised by this structure. What the flags mean is ``flags``'
business.

Kernels before 6.9 leave the word zero, which is less to go by; but ids of other things are larger than any flags of
that time.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterable, Mapping

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind

BTF_SET8_KFUNCS = 1

_ALL_FLAGS = (1 << 32) - 1
_EARLY_FLAGS = (1 << 12) - 1
"""Up to ``KF_RCU_PROTECTED``, the last one before 6.9."""

KfuncSet = Mapping[int, int]
"""FUNC id to KF_* flags, ascending by id."""


def find_sets(ids: bytes, btf: Btf) -> dict[int, KfuncSet]:
    """The kfunc sets in ``ids``, the bytes of a ``.BTF_ids`` section in ``btf``'s byte order and ids, by offset.

    Bytes that have another structure are passed over, as is a last word that is cut; so nothing is ever
    raised, and a section without kfunc sets gives an empty result. Members that the build found no FUNC for, whose
    id is 0, are left out.
    """
    words = _words(ids, btf)
    return _sets(words, _runs(words, btf), BTF_SET8_KFUNCS, _ALL_FLAGS)


def sets_without_header(ids: bytes, btf: Btf) -> dict[int, KfuncSet]:
    """As ``find_sets``, of a kernel before 6.9."""
    words = _words(ids, btf)
    return _sets(words, _runs(words, btf), 0, _EARLY_FLAGS)


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


def _sets(words: array[int], runs: list[int], header: int, all_flags: int) -> dict[int, KfuncSet]:
    """The sets with this header word whose members have none but these flags, by offset."""
    sets: dict[int, KfuncSet] = {}
    at = 0
    while at + 4 <= len(words):
        count = words[at]
        if words[at + 1] == header and 0 < count <= runs[at + 2]:
            pairs = words[at + 2 : at + 2 + 2 * count]
            members = {func_id: flags for func_id, flags in zip(pairs[::2], pairs[1::2], strict=True) if func_id}
            if members and max(members.values()) <= all_flags:
                sets[4 * at] = members
                at += 2 + 2 * count
                continue
        at += 1
    return sets


def _runs(words: array[int], btf: Btf) -> list[int]:
    """For each word, how many pairs of an id and flags begin there, one after the other.

    The ids are FUNCs', ascending, the first of which may follow ids of 0.
    """
    runs = [0] * (len(words) + 2)
    for at in range(len(words) - 2, -1, -1):
        following = runs[at + 2]
        if not words[at]:
            runs[at] = following and following + 1
        elif words[at] < btf.type_count and btf.kind(words[at]) == Kind.FUNC:
            runs[at] = 1 + following if following and words[at] < words[at + 2] else 1
    return runs
