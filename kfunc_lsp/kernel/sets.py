"""The kfunc sets of ``.BTF_ids``: which functions the kernel registers as kfuncs, with which flags.

A set (``BTF_KFUNCS_START`` … ``BTF_KFUNCS_END``) is a count, the word ``BTF_SET8_KFUNCS``, and pairs of a
FUNC's id and its KF_* flags, ascending by id. The section carries no names in a stripped image and holds
other things besides, so the sets are recognised by this structure. What the flags mean is ``flags``'
business.

Kernels before 6.9 leave the word zero; their sets are told from other id sets only by what refers to them, so
``sets_without_header`` reads those at offsets that the caller knows.
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


def find_sets(ids: bytes, btf: Btf) -> dict[int, KfuncSet]:
    """The kfunc sets in ``ids``, the bytes of a ``.BTF_ids`` section in ``btf``'s byte order and ids, by offset.

    Bytes that have another structure are passed over, as is a last word that is cut; so nothing is ever
    raised, and a section without kfunc sets gives an empty result.
    """
    words = _words(ids, btf)
    runs = _runs(words, btf)
    sets: dict[int, KfuncSet] = {}
    at = 0
    while at + 4 <= len(words):
        if words[at + 1] == BTF_SET8_KFUNCS and 0 < words[at] <= runs[at + 2]:
            sets[4 * at] = _set_at(words, at)
            at += 2 + 2 * words[at]
        else:
            at += 1
    return sets


def sets_without_header(ids: bytes, offsets: Iterable[int], btf: Btf) -> dict[int, KfuncSet]:
    """Those of ``offsets`` at which there is a set whose header word is zero, as before 6.9."""
    words = _words(ids, btf)
    runs = _runs(words, btf)
    return {
        offset: _set_at(words, offset // 4)
        for offset in offsets
        if not offset % 4
        and offset // 4 + 4 <= len(words)
        and not words[offset // 4 + 1]
        and 0 < words[offset // 4] <= runs[offset // 4 + 2]
    }


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


def _runs(words: array[int], btf: Btf) -> list[int]:
    """For each word, how many pairs of a FUNC's id and flags begin there, one after the other, ascending by id."""
    runs = [0] * (len(words) + 2)
    for at in range(len(words) - 2, -1, -1):
        if 0 < words[at] < btf.type_count and btf.kind(words[at]) == Kind.FUNC:
            goes_on = runs[at + 2] and words[at] < words[at + 2]
            runs[at] = 1 + runs[at + 2] if goes_on else 1
    return runs


def _set_at(words: array[int], at: int) -> KfuncSet:
    pairs = words[at + 2 : at + 2 + 2 * words[at]]
    return dict(zip(pairs[::2], pairs[1::2], strict=True))
