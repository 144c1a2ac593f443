"""Which kernels are meant: names, patterns and targets of the settings to kernels, each once and with its own name.

What a single name or file means is the business of ``kernel.targets``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kfunc_lsp.config import Config
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.errors import TargetError
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, expand, first_same


@dataclass(frozen=True, slots=True)
class Choice:
    """One kernel that is meant: what ``resolve`` takes, and how it is to be called (empty: as it calls itself)."""

    spec: str
    name: str = ""

    def named(self, kernel: Kernel) -> Kernel:
        """``kernel`` under the name that it is to have."""
        return replace(kernel, name=self.name) if self.name else kernel


def choices(config: Config, name: str) -> list[Choice]:
    """What ``name`` stands for: a target's kernels, what fits a pattern, or itself.

    A target goes before all else of its name, but its own list means bundled kernels and files, no targets. A target
    that stands for one kernel gives it its name. Raises ``TargetError`` where there is none.
    """
    if name not in config.targets:
        return [Choice(spec) for spec in expand(name)]
    specs = list(dict.fromkeys(spec for pattern in config.targets[name] for spec in expand(pattern)))
    if not specs:
        raise TargetError(f"the target `{name}` names no kernel")
    return [Choice(spec, name if len(specs) == 1 else "") for spec in specs]


def single(config: Config, name: str) -> Choice:
    """The one kernel that ``name`` stands for. Raises ``TargetError`` where there are several, and lists them."""
    found = choices(config, name)
    if len(found) > 1:
        specs = ", ".join(choice.spec for choice in found)
        raise TargetError(f"{name}: stands for {len(found)} kernels, and one is wanted; give one of {specs}")
    return found[0]


@dataclass(frozen=True, slots=True)
class Target:
    """A target of the settings: the kernels that it stands for, or the ``problem`` with it in words."""

    name: str
    specs: tuple[str, ...]
    problem: str = ""


def targets(config: Config) -> list[Target]:
    """All targets of the settings, by name."""
    return [_target(config, name) for name in sorted(config.targets)]


def _target(config: Config, name: str) -> Target:
    try:
        return Target(name, tuple(choice.spec for choice in choices(config, name)))
    except TargetError as error:
        return Target(name, (), str(error))


@dataclass(frozen=True, slots=True)
class Selected:
    """Kernels that differ, under names that differ; ``merged`` says in words what was left out as the same."""

    kernels: tuple[Kernel, ...]
    merged: tuple[str, ...]


def select(found: Sequence[tuple[Choice, Kernel]]) -> Selected:
    """Each kernel once, under a name of its own.

    Two are the same where their files have the same bytes; where two that differ have one name, their paths tell them
    apart.
    """
    firsts = first_same([choice.spec for choice, _ in found])
    kept = [kernel for at, (_, kernel) in enumerate(found) if firsts[at] == at]
    merged = [
        f"{choice.name or choice.spec} is the same kernel as {found[first][0].name or found[first][0].spec}"
        for first, (at, (choice, _)) in zip(firsts, enumerate(found), strict=True)
        if first != at and choice != found[first][0]
    ]
    counts = Counter(kernel.name for kernel in kept)
    return Selected(
        tuple(kernel if counts[kernel.name] == 1 else replace(kernel, name=title(kernel)) for kernel in kept),
        tuple(merged),
    )


def title(kernel: Kernel) -> str:
    """What a kernel is called, and where it is from: ``7.3 (bundled 7.3.4+deb13)``."""
    path = kernel.provenance.path
    source = f"bundled {path}" if path in bundled() else path
    source = source.removesuffix(f" {kernel.name}")
    return kernel.name if source == kernel.name or kernel.name.endswith(f"({source})") else f"{kernel.name} ({source})"
