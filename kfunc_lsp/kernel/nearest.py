"""Program types for a kernel that does not tell them: those of the most similar kernel that does.

Between neighbouring releases fewer than one in a hundred functions changes its hooks, so this is likely right,
and never sure: the result says where the hooks are from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.model import Kernel


def with_borrowed_hooks(kernel: Kernel, releases: Sequence[str], lender: Callable[[str], Kernel]) -> Kernel:
    """``kernel`` with the hooks of the nearest other one, the first of several.

    Those are ``lender(release)`` for each of ``releases``, as far as they know their own hooks. Near is one of the same
    minor version; among these, or where there is none, the one that has most of the kfuncs, and fewest others. A
    function that the lender does not have stays without. A kernel that knows its own hooks, or no kfuncs, is returned
    as it is.
    """
    if kernel.hooks_known or not kernel.kfuncs_known:
        return kernel
    near = [release for release in releases if _minor(release) == _minor(kernel.release or kernel.name)]
    lenders = [each for each in map(lender, near) if each.hooks_known]
    lenders = lenders or [each for each in map(lender, releases) if each.hooks_known]
    if not lenders:
        return kernel
    names = {f.name for f in kernel.kfuncs()}
    nearest = max(lenders, key=lambda each: (len(names & each.functions.keys()), -len(each.functions)))
    functions = dict(kernel.functions)
    for name in names & nearest.functions.keys():
        functions[name] = replace(functions[name], hooks=nearest.functions[name].hooks)
    words = f"program types as in {nearest.release}, the nearest bundled kernel that tells them"
    provenance = replace(kernel.provenance, detail=f"{kernel.provenance.detail}; {words}")
    return replace(kernel, functions=functions, provenance=provenance, hooks_of=nearest.release)


def _minor(release: str) -> list[str]:
    return release.split(".")[:2]
