"""An image to a kernel pack: what ``kernel export`` writes, and how the bundled packs were made.

A pack answers exactly as its image does, since it holds the same evidence for every function of the index and
is read by the same code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Set

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.minimise import minimise
from kfunc_lsp.errors import BtfError
from kfunc_lsp.image.file import Image
from kfunc_lsp.kernel.classify import KFUNC_TAG, build_kernel, decoded
from kfunc_lsp.kernel.model import KernelFunction, Provenance
from kfunc_lsp.kernel.modules import module_btf, module_functions
from kfunc_lsp.kernel.pack import Pack, PackedModule, PackMeta, write_pack
from kfunc_lsp.kernel.registered import encode_registrations, registered_sets
from kfunc_lsp.kernel.sets import encode_sets


def export(
    image: Image,
    *,
    release: str = "",
    source: str = "",
    known_names: Set[str] = frozenset(),
    modules: Iterable[Image] = (),
) -> bytes:
    """The bytes of ``image``'s pack, the same for the same image and ``modules``.

    ``release`` is the kernel's where the image does not tell, ``source`` says in words where it is from,
    ``known_names`` is what ``build_kernel`` takes. The pack of a pack keeps the description it has. Modules
    without kfuncs are left out. Raises ``BtfError`` where a BTF is damaged, or does not tell kfuncs from
    functions, or a module was built against another vmlinux.
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
    small, ids, registrations = _cut(btf, image, decoded(kernel).functions.values())
    meta = image.meta or PackMeta(release, image.arch, source, hashlib.sha256(image.btf).hexdigest())
    vmlinux = None if image.is_pack else btf
    packed = []
    for module in modules:
        functions = module_functions(module, vmlinux)
        if functions:
            packed.append(PackedModule(module.module, *_cut(module_btf(module, vmlinux), module, functions)))
    return write_pack(Pack(meta, small, ids, registrations, tuple(packed)))


def _cut(btf: Btf, image: Image, functions: Iterable[KernelFunction]) -> tuple[bytes, bytes | None, bytes | None]:
    """BTF, sets and registrations of ``functions`` alone."""
    small, new_ids = minimise(btf, (f.type_id for f in functions), KFUNC_TAG)
    sets = registered_sets(btf, image.btf_ids, image.code, image.registrations) if image.btf_ids is not None else []
    ids = encode_sets({new_ids[func]: flags for func, flags in each.members.items()} for each in sets)
    return small, ids or None, encode_registrations(sets)
