"""Who loads the program: loaders resolve externs by different rules, and word their errors differently.

``[..]`` in a message stands for type ids, which differ by kernel.
"""

from __future__ import annotations

from dataclasses import dataclass

from kfunc_lsp.kernel.libbpf import essential_name


@dataclass(frozen=True, slots=True)
class Loader:
    """How a loader resolves externs, and what it says.

    ``cuts_flavors``: it looks for the essential name of ``x___flavor`` (L3). The messages have ``{name}`` for the
    extern; ``unresolved`` is what a reached call of a weak extern that is not there ends in.
    """

    name: str
    cuts_flavors: bool
    missing: str
    incompatible: str
    unresolved: str

    def target(self, name: str) -> str:
        """The name that is looked up in the kernel for extern ``name``."""
        return essential_name(name) if self.cuts_flavors else name


LIBBPF = Loader(
    name="libbpf",
    cuts_flavors=True,
    missing="extern (func ksym) '{name}': not found in kernel or module BTFs",
    incompatible="extern (func ksym) '{name}': func_proto [..] incompatible with vmlinux [..]",
    unresolved="kfunc '{name}' is referenced but wasn't resolved",
)
"""libbpf since 1.5."""
