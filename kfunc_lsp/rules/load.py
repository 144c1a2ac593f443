"""The attempt to load one unit on one kernel: what rules ask.

Every question about the kernel goes through here and is noted, so that kernels which answer all of them alike need
only be asked once (``fleet``).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from kfunc_lsp.kernel.hooks import Answer, allowed
from kfunc_lsp.kernel.libbpf import Outcome, Resolution
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import Fact, Kernel, KernelFunction
from kfunc_lsp.unit.guard import Resolves, Truth
from kfunc_lsp.unit.model import Unit, Use, UseKind


class Trait(Enum):
    """What may be asked of a kernel beside its functions; the values are the names of properties of ``Kernel``."""

    VERSION = "version"
    IS_WHOLE = "is_whole"
    KFUNCS_KNOWN = "kfuncs_known"
    FLAGS_KNOWN = "flags_known"
    HOOKS_KNOWN = "hooks_known"
    YOUNG_HOOKS = "young_hooks"
    TRUSTS_BY_DEFAULT = "trusts_by_default"
    MODULES_LOADED = "modules_loaded"


Question = str | Trait | Fact
"""The name of a function, a trait, or where facts of a kind are from."""


def answer(kernel: Kernel, question: Question) -> Hashable:
    """What ``kernel`` answers; equal answers mean that no rule can tell the kernels apart by this question."""
    if isinstance(question, str):
        function = kernel.find(question)
        return function.facts if function is not None else None
    if isinstance(question, Fact):
        return kernel.is_own(question)
    trait = getattr(kernel, question.value)
    return tuple(trait.items()) if isinstance(trait, Mapping) else trait


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the verifier meets, bound to ``function``; ``is_certain`` where nothing unknown decides over it."""

    use: Use
    function: KernelFunction
    is_certain: bool


class Load:
    """One unit, one kernel, one loader. ``asked`` are the questions so far."""

    def __init__(self, unit: Unit, kernel: Kernel, loader: Loader = LIBBPF) -> None:
        self.unit = unit
        self.loader = loader
        self.asked: set[Question] = set()
        self._kernel = kernel
        self._resolutions: dict[str, Resolution] = {}
        self._reached: dict[str, Truth] = {}

    def function(self, name: str) -> KernelFunction | None:
        """The kernel's function of exactly this name, kfunc or not; see ``Kernel.find`` for what ``None`` means."""
        self.asked.add(name)
        return self._kernel.find(name)

    def bound(self, name: str) -> KernelFunction | None:
        """The function that the loader looks at for extern ``name``, whether it fits or not."""
        return self.function(self.loader.target(name))

    @property
    def version(self) -> tuple[int, int] | None:
        """Major and minor number of the kernel, for messages that have changed; ``None`` where unknown."""
        self.asked.add(Trait.VERSION)
        return self._kernel.version

    @property
    def is_whole(self) -> bool:
        """Whether a function that is not found is certainly not there; without, it may be there as no kfunc."""
        self.asked.add(Trait.IS_WHOLE)
        return self._kernel.is_whole

    @property
    def kfuncs_known(self) -> bool:
        """Whether kfuncs are told from functions; without, every function that is found looks like none."""
        self.asked.add(Trait.KFUNCS_KNOWN)
        return self._kernel.kfuncs_known

    @property
    def flags_known(self) -> bool:
        """Whether KF_* flags are known; without, a function that has lost its decl tag looks like no kfunc."""
        self.asked.add(Trait.FLAGS_KNOWN)
        return self._kernel.flags_known

    @property
    def hooks_known(self) -> bool:
        """Whether it is known which program types may call what."""
        self.asked.add(Trait.HOOKS_KNOWN)
        return self._kernel.hooks_known

    @property
    def trusts_by_default(self) -> bool | None:
        """Whether every kfunc wants trusted pointers, whatever its flags say; ``None`` where not known."""
        self.asked.add(Trait.TRUSTS_BY_DEFAULT)
        return self._kernel.trusts_by_default

    @property
    def modules_loaded(self) -> bool:
        """Whether the modules that the kernel is known with are loaded, and not merely at hand."""
        self.asked.add(Trait.MODULES_LOADED)
        return self._kernel.modules_loaded

    def access(
        self, function: KernelFunction, program_type: str, attach_type: str, struct_ops: str, operation: str
    ) -> Answer:
        """Whether the kernel lets such a program call ``function``: see ``hooks.allowed``."""
        self.asked |= {Trait.VERSION, Trait.YOUNG_HOOKS}
        return allowed(
            self._kernel,
            function,
            program_type,
            attach_type=attach_type,
            struct_ops=struct_ops,
            operation=operation,
        )

    def similar(self, name: str) -> str:
        """The callable kfunc whose name is most like ``name``; empty where none is."""
        # Not a question of its own: kernels are alike where they have what was found.
        close = self._kernel.similar(name)
        if close:
            self.function(close)
        return close

    def is_own(self, fact: Fact) -> bool:
        """Whether facts of this kind are the kernel's own: without, no finding that rests on them is an error."""
        self.asked.add(fact)
        return self._kernel.is_own(fact)

    def resolution(self, name: str) -> Resolution:
        """The loader's answer for extern ``name``."""
        known = self._resolutions.get(name)
        if known is None:
            declaration = self.unit.declaration(name)
            known = self.loader.resolve(self.bound(name), declaration.type if declaration else None)
            self._resolutions[name] = known
        return known

    def passes_over(self, name: str) -> bool:
        """Whether the loader goes on where extern ``name`` does not resolve, and leaves it without an address."""
        if not self.unit.is_weak(name):
            return False
        return self.loader.passes_over_misfits or self.resolution(name).outcome is Outcome.ABSENT

    @cached_property
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
        """Whether the verifier sees ``use`` on this kernel, if the object has it."""
        return self.unit.reach(use, self.resolves, self._reached)

    def meets(self, use: Use) -> Truth:
        """Whether the verifier meets ``use``: it is in a program that is loaded, and is reached."""
        presence, reach = self.unit.presence(use), self.reach(use)
        if Truth.FALSE in (presence, reach):
            return Truth.FALSE
        return Truth.UNKNOWN if Truth.UNKNOWN in (presence, reach) else Truth.TRUE

    @cached_property
    def calls(self) -> Sequence[Call]:
        """Every call of a resolved extern that the verifier meets, or may meet, in order."""
        found = []
        for use in self.unit.uses:
            if use.kind is UseKind.REFERENCE:
                continue
            resolution = self.resolution(use.name)
            if resolution.function is None or resolution.outcome not in (Outcome.RESOLVED, Outcome.UNKNOWN):
                continue
            meets = self.meets(use)
            if meets is not Truth.FALSE:
                is_certain = meets is Truth.TRUE and resolution.outcome is Outcome.RESOLVED
                found.append(Call(use, resolution.function, is_certain))
        return found
