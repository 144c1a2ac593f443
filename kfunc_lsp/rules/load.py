"""The attempt to load one unit on one kernel: what rules ask.

Every question about the kernel goes through here, and with it the load keeps which other kernels of the fleet answer
alike so far: they need not be asked again (``Loads.each``).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar, cast

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.hooks import Access, Answer, Caller, allowed
from kfunc_lsp.kernel.libbpf import Outcome, Resolution
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import Fact, FunctionClass, Kernel, KernelFunction
from kfunc_lsp.rules.fleet import Fleet, Members, Question, Since, Trait, lowest
from kfunc_lsp.unit.guard import Truth
from kfunc_lsp.unit.model import Unit, Use, UseKind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """A call that the verifier meets, bound to ``function``; ``is_certain`` where nothing unknown decides over it."""

    use: Use
    function: KernelFunction
    is_certain: bool


class Loads:
    """The loads of one unit on a fleet, and what has been worked out for some of them at once."""

    def __init__(self, unit: Unit, fleet: Fleet) -> None:
        self.unit = unit
        self.fleet = fleet
        self._known: dict[Hashable, list[tuple[Members, object]]] = {}

    def each(self, members: Members, judge: Callable[[Load], T]) -> list[tuple[Members, T]]:
        """What ``judge`` comes to on ``members``, with those for which its questions have the same answers."""
        found = []
        while members:
            load = Load(self, lowest(members))
            value = judge(load)
            alike = load.alike & members
            found.append((alike, value))
            members ^= alike
        return found

    def known(self, key: Hashable, judge: Callable[[Load], T]) -> list[tuple[Members, T]]:
        """What ``judge`` comes to on every kernel, equal values together; worked out once for each ``key``."""
        known = self._known.get(key)
        if known is None:
            merged: list[tuple[Members, T]] = []
            for members, value in self.each(self.fleet.everyone, judge):
                at = next((i for i, (_, other) in enumerate(merged) if other == value), None)
                if at is None:
                    merged.append((members, value))
                else:
                    merged[at] = (merged[at][0] | members, value)
            known = self._known[key] = cast("list[tuple[Members, object]]", merged)
        return cast("list[tuple[Members, T]]", known)


class Load:
    """One unit on one kernel. ``alike`` are the kernels that have answered all questions so far as this one has."""

    def __init__(self, loads: Loads, kernel: int) -> None:
        self.unit = loads.unit
        self.loader = loads.fleet.loader
        self.alike = loads.fleet.everyone
        self._loads = loads
        self._index = kernel
        self._kernel = loads.fleet.kernels[kernel]
        self._answered: dict[Hashable, object] = {}

    @classmethod
    def alone(cls, unit: Unit, kernel: Kernel, loader: Loader = LIBBPF) -> Load:
        """The load on one kernel, whatever others may say."""
        return cls(Loads(unit, Fleet((kernel,), loader)), 0)

    @property
    def is_alone(self) -> bool:
        """Whether the unit is to load on no other kernel."""
        return len(self._loads.fleet.kernels) == 1

    def _ask(self, question: Question) -> None:
        self.alike &= self._loads.fleet.alike(question, self._index)

    def shared(self, key: Hashable, judge: Callable[[Load], T]) -> T:
        """What ``judge`` comes to, worked out once for each ``key``; kernels on which that is equal stay alike."""
        try:
            return cast(T, self._answered[key])
        except KeyError:
            bit = 1 << self._index
            members, value = next(pair for pair in self._loads.known(key, judge) if pair[0] & bit)
            self.alike &= members
            self._answered[key] = value
            return value

    def function(self, name: str) -> KernelFunction | None:
        """The kernel's function of exactly this name, kfunc or not; see ``Kernel.find`` for what ``None`` means."""
        self._ask(name)
        return self._kernel.find(name)

    def bound(self, name: str) -> KernelFunction | None:
        """The function that the loader looks at for extern ``name``, whether it fits or not."""
        return self.function(self.loader.target(name))

    def class_of(self, name: str) -> FunctionClass | None:
        """What the function is that the loader looks at for extern ``name``; ``None`` where there is none."""

        def judge(load: Load) -> FunctionClass | None:
            function = load.bound(name)
            return None if function is None else function.klass

        return self.shared(("class", name), judge)

    def is_since(self, major: int, minor: int) -> bool | None:
        """Whether the kernel is of this version or a later one, for what has changed; ``None`` where unknown."""
        self._ask(Since(major, minor))
        version = self._kernel.version
        return None if version is None else version >= (major, minor)

    @property
    def is_whole(self) -> bool:
        """Whether a function that is not found is certainly not there; without, it may be there as no kfunc."""
        self._ask(Trait.IS_WHOLE)
        return self._kernel.is_whole

    @property
    def kfuncs_known(self) -> bool:
        """Whether kfuncs are told from functions; without, every function that is found looks like none."""
        self._ask(Trait.KFUNCS_KNOWN)
        return self._kernel.kfuncs_known

    @property
    def flags_known(self) -> bool:
        """Whether KF_* flags are known; without, a function that has lost its decl tag looks like no kfunc."""
        self._ask(Trait.FLAGS_KNOWN)
        return self._kernel.flags_known

    @property
    def trusts_by_default(self) -> bool | None:
        """Whether every kfunc wants trusted pointers, whatever its flags say; ``None`` where not known."""
        self._ask(Trait.TRUSTS_BY_DEFAULT)
        return self._kernel.trusts_by_default

    @property
    def modules_loaded(self) -> bool:
        """Whether the modules that the kernel is known with are loaded, and not merely at hand."""
        self._ask(Trait.MODULES_LOADED)
        return self._kernel.modules_loaded

    def access(self, function: KernelFunction, callers: Sequence[Caller]) -> list[Answer]:
        """Whether the kernel lets each of ``callers`` call ``function``."""
        self._ask(Trait.YOUNG_HOOKS)
        answers = [allowed(self._kernel, function, caller) for caller in callers]
        if any(answer.access is Access.FILTERED for answer in answers):
            self._ask(Trait.VERSION)
        return answers

    def similar(self, name: str) -> str:
        """The callable kfunc whose name is most like ``name``; empty where none is."""
        for other in self._loads.fleet.similar(name):
            function = self.function(other)
            if function is not None and function.callable:
                return other
        return ""

    def is_own(self, fact: Fact) -> bool:
        """Whether facts of this kind are the kernel's own: without, no finding that rests on them is an error."""
        self._ask(fact)
        return self._kernel.is_own(fact)

    def resolution(self, name: str) -> Resolution:
        """The loader's answer for extern ``name``."""

        def judge(load: Load) -> Resolution:
            declaration = load.unit.declaration(name)
            return load.loader.resolve(load.bound(name), declaration.type if declaration else None)

        return self.shared(("resolution", name), judge)

    def outcome(self, name: str) -> Outcome:
        """What the loader makes of extern ``name``."""
        return self.shared(("outcome", name), lambda load: load.resolution(name).outcome)

    def passes_over(self, name: str) -> bool:
        """Whether the loader goes on where extern ``name`` does not resolve, and leaves it without an address."""
        if not self.unit.is_weak(name):
            return False
        return self.loader.passes_over_misfits or self.outcome(name) is Outcome.ABSENT

    def resolves(self, name: str) -> bool | None:
        """For guards: whether a ksym is there; unknown for variables and where a type is unknown."""
        declaration = self.unit.declaration(name)
        if declaration is not None and declaration.prototype is None:
            return None
        outcome = self.outcome(name)
        return None if outcome is Outcome.UNKNOWN else outcome is Outcome.RESOLVED

    def reach(self, use: Use) -> Truth:
        """Whether the verifier sees ``use`` on this kernel, if the object has it."""
        return self.unit.reach(use, self.resolves, self._reach_of)

    def _reach_of(self, function: str) -> Truth:
        return self.shared(("reach", function), lambda load: load.unit.reach_of(function, load.resolves))

    def meets(self, use: Use) -> Truth:
        """Whether the verifier meets ``use``: it is in a program that is loaded, and is reached."""
        presence = self.unit.presence(use)
        reach = self.reach(use) if presence is not Truth.FALSE else Truth.FALSE
        if reach is Truth.FALSE:
            return Truth.FALSE
        return Truth.UNKNOWN if Truth.UNKNOWN in (presence, reach) else Truth.TRUE

    def call(self, use: Use) -> Call | None:
        """The call that ``use`` is, bound to a function; ``None`` where the verifier never meets it."""
        outcome = self.outcome(use.name)
        if use.kind is UseKind.REFERENCE or outcome not in (Outcome.RESOLVED, Outcome.UNKNOWN):
            return None
        function, meets = self.bound(use.name), self.meets(use)
        if function is None or meets is Truth.FALSE:
            return None
        return Call(use, function, meets is Truth.TRUE and outcome is Outcome.RESOLVED)
