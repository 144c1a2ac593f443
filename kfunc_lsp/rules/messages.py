"""What clang and the kernel say, word for word. What loaders say is theirs (``kernel.loader``)."""

from __future__ import annotations

NO_ADDRESS = "cannot find address for kernel function {name}"
"""The kernel's error for a call to what exists in BTF only."""
NO_ADDRESS_OF_GUARD = "ldimm64 failed to find the address for kernel symbol '{name}'."
"""The same for taking its address, since 7.3."""
NOT_ALLOWED = "calling kernel function {name} is not allowed"
"""The kernel's error for a function that this program may not call, or none may."""
NO_IMPL = "cannot find function {name}_impl in BTF"
"""The kernel's error for a kfunc that its build has broken."""
UNDECLARED = "call to undeclared function '{name}'"
"""clang's error for a call without a declaration."""
CONFLICT = "conflicting types for '{name}'"
"""clang's error for declarations that contradict each other."""
