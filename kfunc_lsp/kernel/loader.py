"""Who loads the program: loaders resolve externs by different rules, and word their errors differently.

Rules L3 to L9 of the specification. ``[..]`` in a message stands for what differs by kernel or by release, as type ids.
"""

from __future__ import annotations

import re

from kfunc_lsp.btf.types import Type
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.libbpf import Outcome, Resolution, essential_name, resolve
from kfunc_lsp.kernel.model import KernelFunction


class LoaderNameError(KfuncLspError):
    """A name that no loader has."""


@dataclass(frozen=True, slots=True)
class Loader:
    """How a loader resolves externs, and what it says.

    ``cuts_flavors``: it looks for the essential name of ``x___flavor`` (L3). ``compares_types``: it refuses a
    declaration that does not fit (L5, L6). ``passes_over_misfits``: a weak extern that does not fit is left unresolved,
    as one that is missing is. The messages have ``{name}`` for the extern and ``{owner}`` for what has the function;
    they are empty where it is not known what is said. ``unresolved`` is what a reached call of a weak extern that is
    not there ends in. ``without_section`` and ``without_btf`` are for an extern outside of ``.ksyms``, and for one
    that the object's BTF does not have.
    """

    name: str
    cuts_flavors: bool
    compares_types: bool
    passes_over_misfits: bool
    missing: str
    incompatible: str
    unresolved: str
    without_section: str
    without_btf: str

    def target(self, name: str) -> str:
        """The name that is looked up in the kernel for extern ``name``."""
        return essential_name(name) if self.cuts_flavors else name

    def flavor(self, name: str) -> str:
        """What of extern ``name`` is not looked up: its ``___flavor``; empty without one."""
        return name[len(self.target(name)) :]

    def resolve(self, function: KernelFunction | None, local: Type | None) -> Resolution:
        """What it makes of an extern with type ``local``: as ``libbpf.resolve``, where it compares types at all."""
        if function is not None and not self.compares_types:
            return Resolution(Outcome.RESOLVED, function)
        return resolve(function, local)

    def refusal(self, name: str, function: KernelFunction | None) -> str:
        """What it says of strong extern ``name``, which does not fit ``function``, or is not there (``None``)."""
        if function is None:
            return self.missing.format(name=name)
        return self.incompatible.format(name=name, owner=function.module or "vmlinux")


LIBBPF = Loader(
    name="libbpf",
    cuts_flavors=True,
    compares_types=True,
    passes_over_misfits=True,
    missing="extern (func ksym) '{name}': not found in kernel or module BTFs",
    incompatible="extern (func ksym) '{name}': func_proto [..] incompatible with {owner} [..]",
    unresolved="kfunc '{name}' is referenced but wasn't resolved",
    without_section="failed to find BTF for extern '{name}' [..] section: -2",
    without_btf="failed to find BTF for extern '{name}': -3",
)
"""libbpf since 1.3, which brought flavors, and with them weak externs that may misfit."""

_LIBBPF_1_2 = replace(LIBBPF, cuts_flavors=False, passes_over_misfits=False)
_LEFT_ZERO = "invalid kernel function call not eliminated in verifier pass"
_LIBBPF_1_1 = replace(
    _LIBBPF_1_2,
    incompatible="extern (func ksym) '{name}': func_proto [..] incompatible with kernel [..]",
    unresolved=_LEFT_ZERO,
)
_LIBBPFS = (((1, 3), LIBBPF), ((1, 2), _LIBBPF_1_2), ((0, 0), _LIBBPF_1_1))
"""The releases of libbpf that began to do as they do, the newest first."""

_LIGHT_SKELETON = replace(
    LIBBPF,
    name="the light skeleton",
    cuts_flavors=False,
    compares_types=False,
    missing="error returned by loader prog",
    unresolved=_LEFT_ZERO,
)
"""What ``bpftool gen skeleton -L`` makes: a BPF program looks externs up by their full names (L8)."""

_CILIUM = Loader(
    name="cilium/ebpf",
    cuts_flavors=False,
    compares_types=True,
    passes_over_misfits=False,
    missing='kfunc "{name}": not supported',
    incompatible='kfunc "{name}": [..]',
    unresolved="invalid func unknown#[..]",
    without_section="",
    without_btf="",
)
"""cilium/ebpf for Go, which takes full names, and no weak extern that does not fit (L9)."""

LOADERS = {"libbpf": LIBBPF, "light-skeleton": _LIGHT_SKELETON, "cilium-ebpf": _CILIUM}
"""The loaders by the names that people write; ``libbpf-VERSION`` is one more."""


def loader_named(name: str) -> Loader:
    """The loader that people call ``name``. Raises ``LoaderNameError`` where there is none."""
    if name in LOADERS:
        return LOADERS[name]
    version = re.fullmatch(r"libbpf-v?(\d{1,4})\.(\d{1,4})(?:\.\d+)?", name)
    if version is None:
        raise LoaderNameError(
            f"there is no loader `{name}`; there are {', '.join(LOADERS)} and libbpf-1.1 to libbpf-1.8"
        )
    number = (int(version[1]), int(version[2]))
    return next(loader for since, loader in _LIBBPFS if number >= since)
