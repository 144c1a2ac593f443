"""Modules added to a kernel's index.

A module's BTF goes on where its vmlinux's ends, so it is read on that, or on the distilled base that it brings.
As libbpf does (``find_ksym_btf_id``), a name is looked for in vmlinux first, and then in the modules in their
order. Reading the files is ``image``'s business.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.distilled import relocated
from kfunc_lsp.dataclass import replace
from kfunc_lsp.errors import BtfError
from kfunc_lsp.image.file import Image
from kfunc_lsp.kernel.classify import build_kernel, decoded
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction, Provenance

_INDEXED = tuple(klass for klass in FunctionClass if klass != FunctionClass.FUNCTION)


def with_modules(kernel: Kernel, vmlinux: Btf | None, modules: Iterable[Image]) -> Kernel:
    """``kernel`` with the kfuncs of ``modules``, each knowing its module.

    ``vmlinux`` is the whole BTF that the modules build on; a module from a pack needs none. A function of a
    name that vmlinux or an earlier module has goes into ``shadowed``. Raises ``BtfError`` where a module is
    damaged, or was built against another vmlinux.
    """
    found = [(image.module, each) for image in modules if (each := module_functions(image, vmlinux))]
    if not found:
        return kernel
    functions = dict(kernel.functions)
    shadowed = list(kernel.shadowed)
    for function in chain.from_iterable(each for _, each in found):
        if function.name in functions:
            shadowed.append(function)
        else:
            functions[function.name] = function
    detail = f"{kernel.provenance.detail}; with kfuncs of the modules {', '.join(module for module, _ in found)}"
    provenance = replace(kernel.provenance, detail=detail)
    return replace(kernel, functions=functions, provenance=provenance, shadowed=tuple(shadowed))


def module_functions(image: Image, vmlinux: Btf | None) -> list[KernelFunction]:
    """What a module brings, by name. Raises what ``with_modules`` does."""
    try:
        btf = module_btf(image, vmlinux)
        index = build_kernel(
            btf,
            image.btf_ids,
            name=image.module,
            release=image.release,
            provenance=Provenance("image", str(image.path), ""),
            code=image.code,
            registrations=image.registrations,
        )
        functions = decoded(index).functions.values()
    except BtfError as error:
        raise BtfError(f"{image.path}: {error}") from None
    return [replace(function, module=image.module) for function in functions if function.klass in _INDEXED]


def module_btf(image: Image, vmlinux: Btf | None) -> Btf:
    """The types of a module on their base. Raises ``BtfError`` where that is another kernel's, or missing."""
    if image.is_pack:
        return Btf.parse(image.btf)
    if image.btf_base is not None:
        base = relocated(image.btf_base, vmlinux) if vmlinux is not None else Btf.parse(image.btf_base)
        return Btf.parse(image.btf, base)
    if vmlinux is None:
        raise BtfError(
            "is a module, which needs all types of its vmlinux, and a pack has few; give the vmlinux or vmlinuz"
        )
    btf = Btf.parse(image.btf, vmlinux)
    if not btf.fits_base():
        release = f" (it is of {image.release})" if image.release else ""
        raise BtfError(f"the module was built against another vmlinux{release}; give the one of the same build")
    return btf
