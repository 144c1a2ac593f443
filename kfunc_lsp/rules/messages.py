"""What clang, libbpf and the kernel say, word for word; ``[..]`` stands for type ids, which differ by kernel."""

from __future__ import annotations

UNRESOLVED = "kfunc '{name}' is referenced but wasn't resolved"
"""libbpf's rewriting of the verifier's complaint about a poisoned call (libbpf 1.5 and later)."""
INCOMPATIBLE = "extern (func ksym) '{name}': func_proto [..] incompatible with vmlinux [..]"
"""libbpf's error for a strong extern whose prototype does not fit (libbpf 1.5 and later)."""
NO_ADDRESS = "cannot find address for kernel function {name}"
"""The kernel's error for a call to what exists in BTF only."""
NO_ADDRESS_OF_GUARD = "ldimm64 failed to find the address for kernel symbol '{name}'."
"""The same for taking its address, since 7.3."""
