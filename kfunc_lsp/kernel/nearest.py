"""Program types for a kernel that does not tell them: those of the most similar kernel that does.

Between neighbouring releases fewer than one in a hundred functions changes its hooks, so this is likely right,
and never sure: the result says where the hooks are from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.kernel.model import Hook, Kernel
from kfunc_lsp.kernel.pack import Pack
from kfunc_lsp.kernel.registered import hooks_of, registered_sets


@dataclass(frozen=True, slots=True)
class Lender:
    """The hooks of a kernel that are known, by the function's name, and the kernel's release."""

    release: str
    hooks: Mapping[str, tuple[Hook, ...]]


def lender(release: str, pack: Pack) -> Lender | None:
    """What ``pack`` can lend; ``None`` where it does not have program types itself."""
    if pack.btf_ids is None or pack.registrations is None:
        return None
    btf = Btf.parse(pack.btf)
    found = hooks_of(registered_sets(btf, pack.btf_ids, None, pack.registrations))
    return Lender(release, {btf.name(func_id): hooks for func_id, hooks in found.items() if hooks is not None})


def with_borrowed_hooks(kernel: Kernel, lenders: Sequence[Lender]) -> Kernel:
    """``kernel`` with the hooks of the nearest lender, the first of several.

    Near is one of the same minor version; among these, or where there is none, the one that has most of the kfuncs,
    and fewest others. A function that the lender does not have stays without. A kernel that knows its own hooks, or
    no kfuncs, is returned as it is.
    """
    if kernel.hooks_known or not kernel.kfuncs_known or not lenders:
        return kernel
    names = {f.name for f in kernel.kfuncs()}
    alike = [each for each in lenders if _minor(each.release) == _minor(kernel.release or kernel.name)]
    nearest = max(alike or lenders, key=lambda each: (len(names & each.hooks.keys()), -len(each.hooks)))
    functions = {
        name: replace(function, hooks=nearest.hooks[name]) if name in nearest.hooks and name in names else function
        for name, function in kernel.functions.items()
    }
    words = f"program types as in {nearest.release}, the nearest bundled kernel that tells them"
    provenance = replace(kernel.provenance, detail=f"{kernel.provenance.detail}; {words}")
    return replace(kernel, functions=functions, provenance=provenance, hooks_of=nearest.release)


def _minor(release: str) -> list[str]:
    return release.split(".")[:2]
