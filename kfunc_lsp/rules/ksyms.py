"""How a unit's externs stand on one kernel: shared by all rules about resolution."""

from __future__ import annotations

from functools import lru_cache

from kfunc_lsp.kernel.libbpf import Outcome, Resolution, essential_name, resolve
from kfunc_lsp.kernel.model import FunctionClass, Kernel
from kfunc_lsp.unit.guard import Resolves, Truth
from kfunc_lsp.unit.model import Unit, Use

UNRESOLVED = "kfunc '{name}' is referenced but wasn't resolved"
"""libbpf's rewriting of the verifier's complaint about a poisoned call (libbpf 1.5 and later)."""
INCOMPATIBLE = "extern (func ksym) '{name}': func_proto [..] incompatible with vmlinux [..]"
"""libbpf's error for a strong extern whose prototype does not fit (libbpf 1.5 and later); ids differ by kernel."""


class Externs:
    """Resolution of one unit's externs on one kernel, each worked out once."""

    def __init__(self, unit: Unit, kernel: Kernel) -> None:
        self.unit = unit
        self.kernel = kernel
        self._resolutions: dict[str, Resolution] = {}

    def resolution(self, name: str) -> Resolution:
        """libbpf's answer for extern ``name``."""
        known = self._resolutions.get(name)
        if known is None:
            declaration = self.unit.declaration(name)
            known = resolve(self.kernel, name, declaration.type if declaration else None)
            self._resolutions[name] = known
        return known

    @property
    def resolves(self) -> Resolves:
        """For guards: whether a ksym is there; unknown for variables and where a type is unknown."""

        def answer(name: str) -> bool | None:
            declaration = self.unit.declaration(name)
            if declaration is not None and declaration.prototype is None:
                return None
            outcome = self.resolution(name).outcome
            return None if outcome is Outcome.UNKNOWN else outcome is Outcome.RESOLVED

        return answer

    def reach(self, use: Use) -> Truth:
        """Whether the verifier sees ``use`` on this kernel."""
        return self.unit.reach(use, self.resolves)


def standing_of(unit: Unit, name: str, kernel: Kernel) -> str:
    """In words, what the function that extern ``name`` binds to is on ``kernel``."""
    resolution = Externs(unit, kernel).resolution(name)
    function = resolution.function
    if function is None:
        return f"no kfunc `{essential_name(name)}` there"
    if resolution.outcome is Outcome.INCOMPATIBLE:
        return f"declared otherwise there ({resolution.reason})"
    if function.klass is FunctionClass.PLAIN_IMPL:
        return "fine (a kfunc of its own there)"
    if function.callable:
        return f"not concerned (a kfunc with {len(function.prototype.params)} parameters there)"
    return function.klass.words


@lru_cache(maxsize=256)
def version(release: str) -> tuple[int, int] | None:
    """Major and minor of a release such as "7.3.4+deb13"; ``None`` where it does not begin with two numbers."""
    parts = release.split(".")
    if len(parts) < 2 or not parts[0].isdigit():
        return None
    minor = "".join(c for c in parts[1] if c.isdigit())
    return (int(parts[0]), int(minor)) if minor else None
