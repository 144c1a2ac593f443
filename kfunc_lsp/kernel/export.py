"""An image to a kernel pack: what ``kernel export`` writes, and how the bundled packs were made.

A pack answers exactly as its image does, since it holds the same evidence for every function of the index and
is read by the same code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.minimise import minimise
from kfunc_lsp.errors import BtfError
from kfunc_lsp.image.file import Image
from kfunc_lsp.kernel.classify import KFUNC_TAG, build_kernel
from kfunc_lsp.kernel.model import Provenance
from kfunc_lsp.kernel.pack import Pack, PackMeta, write_pack
from kfunc_lsp.kernel.registered import encode_registrations, registered_sets
from kfunc_lsp.kernel.sets import encode_sets


def export(
    image: Image,
    *,
    release: str = "",
    source: str = "",
    known_names: Set[str] = frozenset(),
) -> bytes:
    """The bytes of ``image``'s pack, the same for the same image.

    ``release`` is the kernel's where the image does not tell, ``source`` says in words where it is from,
    ``known_names`` is what ``build_kernel`` takes. The pack of a pack keeps the description it has. Raises
    ``BtfError`` where the BTF is damaged, or does not tell kfuncs from functions.
    """
    btf = Btf.parse(image.btf)
    release = image.release or release
    kernel = build_kernel(
        btf,
        image.btf_ids,
        name=release,
        release=release,
        provenance=Provenance("image", str(image.path), ""),
        known_names=known_names,
        code=image.code,
        registrations=image.registrations,
    )
    if not kernel.kfuncs_known:
        raise BtfError(kernel.provenance.detail)
    small, new_ids = minimise(btf, (f.type_id for f in kernel.functions.values()), KFUNC_TAG)
    sets = registered_sets(btf, image.btf_ids, image.code, image.registrations) if image.btf_ids is not None else []
    ids = encode_sets({new_ids[func]: flags for func, flags in each.members.items()} for each in sets)
    meta = image.meta or PackMeta(release, image.arch, source, hashlib.sha256(image.btf).hexdigest())
    return write_pack(Pack(meta, small, ids or None, encode_registrations(sets)))
