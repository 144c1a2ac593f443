"""The index of one kernel's kfuncs: what a rule or the editor asks a kernel.

Owns the vocabulary (class, flags, provenance). How the index is made from BTF is ``classify``'s business; how
it is stored is ``pack``'s.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from enum import Enum
from functools import cached_property
from typing import Protocol

from kfunc_lsp.btf.types import FuncProto, Param
from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.kernel.flags import KF_TRUSTED_ARGS


class FunctionClass(Enum):
    """What a FUNC of the kernel is to a BPF program. The values are the short names that users see."""

    IMPLICIT = "implicit"
    BTF_ONLY_IMPL = "btf-only"
    LEGACY_IMPL = "legacy"
    PLAIN_IMPL = "plain-impl"
    FUNCTION = "no-kfunc"
    BROKEN = "broken"
    MAGIC = "magic"
    KFUNC = "kfunc"
    NOT_CALLABLE = "not-callable"

    @property
    def words(self) -> str:
        """The class in words, for people."""
        return _WORDS[self]

    @property
    def callable(self) -> bool:
        """Whether a BPF program can call the function under this name in some form."""
        return self not in _NEVER_CALLED


_WORDS = {
    FunctionClass.IMPLICIT: "kfunc with implicit arguments",
    FunctionClass.BTF_ONLY_IMPL: "exists in BTF only, never callable",
    FunctionClass.LEGACY_IMPL: "kfunc, the older form of one with implicit arguments",
    FunctionClass.PLAIN_IMPL: "kfunc whose name ends in _impl",
    FunctionClass.FUNCTION: "kernel function, not a kfunc",
    FunctionClass.BROKEN: "broken in this kernel: callable in no form",
    FunctionClass.MAGIC: "kfunc of a magic pair: both forms are callable",
    FunctionClass.KFUNC: "kfunc",
    FunctionClass.NOT_CALLABLE: "tagged as a kfunc, but only a target of fmod_ret programs",
}


_NEVER_CALLED = (
    FunctionClass.BTF_ONLY_IMPL,
    FunctionClass.FUNCTION,
    FunctionClass.BROKEN,
    FunctionClass.NOT_CALLABLE,
)
_YOUNG = (FunctionClass.IMPLICIT, FunctionClass.BROKEN)
"""Classes that came with implicit arguments, in 7.0."""


class Fact(Enum):
    """A kind of fact about a kernel's functions: sources differ in which they tell."""

    TYPES = "types"
    FLAGS = "flags"
    HOOKS = "program types"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a kernel's facts come from.

    ``kind`` is "btf" (types alone), "image" (types and ``.BTF_ids``) or "pack"; ``path`` is the file (or
    ``/sys/kernel/btf/vmlinux``) or the bundled pack's name; ``detail`` says in words what is and is not
    known.
    """

    kind: str
    path: str
    detail: str


@dataclass(frozen=True, slots=True)
class Hook:
    """A hook that a function is registered with, and so who may call it.

    ``name`` is the kernel's ("XDP", "TRACING", "COMMON" for every program type), ``flags`` the function's
    KF_* in the sets registered there, ``program_types`` those that the registrations name
    (``BPF_PROG_TYPE_…``; a hook serves others too: ``program_types.calling_hook``). ``filtered``: a filter
    came with the registration and may refuse a call; ``crossed``: one that came with another set of this hook
    looks at this function's set too.
    """

    name: str
    flags: int
    filtered: bool
    crossed: bool
    program_types: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class KernelFunction:
    """One FUNC of a kernel's BTF that concerns BPF programs.

    ``flags`` is the union of the function's flags over all sets that contain it, ``flag_sets`` the flags in
    each set (ascending, without duplicates); both ``None`` where the source has no ``.BTF_ids``. ``base`` is
    the name without ``_impl`` where the class pairs the two (btf-only, legacy, the second of a magic pair).
    ``type_id`` is the FUNC's id in the BTF that was read. ``hooks`` are those that the function is registered
    with, by name; ``None`` where the source does not tell. ``module`` is the module that has the function,
    ``None`` for vmlinux.
    """

    name: str
    klass: FunctionClass
    type_id: int
    tagged: bool
    flags: int | None
    flag_sets: tuple[int, ...] | None
    base: str | None
    load_prototype: Callable[[], FuncProto] = field(repr=False, compare=False)
    load_impl_prototype: Callable[[], FuncProto] | None = field(repr=False, compare=False, default=None)
    module: str | None = None
    hooks: tuple[Hook, ...] | None = None

    @cached_property
    def prototype(self) -> FuncProto:
        """The prototype that libbpf finds under this name."""
        return self.load_prototype()

    @cached_property
    def impl_prototype(self) -> FuncProto | None:
        """The prototype of ``NAME_impl`` where the two are a pair (implicit, magic), else ``None``."""
        return self.load_impl_prototype() if self.load_impl_prototype else None

    @cached_property
    def implicit(self) -> tuple[Param, ...]:
        """The parameters that the verifier supplies: what ``NAME_impl`` has beyond the visible ones."""
        if self.impl_prototype is None:
            return ()
        return self.impl_prototype.params[len(self.prototype.params) :]

    @cached_property
    def facts(self) -> Hashable:
        """All that a rule can learn of the function: equal for functions that no rule can tell apart."""
        return (
            self.klass,
            self.prototype,
            self.impl_prototype,
            self.tagged,
            self.flags,
            self.flag_sets,
            self.base,
            self.module,
            self.hooks,
        )

    @property
    def callable(self) -> bool:
        """Whether a BPF program can call the function under this name in some form."""
        return self.klass.callable


class AllFunctions(Protocol):
    """Every FUNC of a vmlinux, kfunc or not (``functions.Functions``)."""

    def get(self, name: str) -> KernelFunction | None:
        """The function of exactly this name."""


@dataclass(frozen=True, eq=False)
class Kernel:
    """The kfunc index of one kernel.

    ``name`` is how messages call it ("7.3", "7.3.4+deb13", a file name); ``release`` what the image says of
    itself, empty where unknown. ``functions`` holds every kfunc, every BTF-only ``_impl``, and every function
    that merely ends in ``_impl``. ``hooks_of`` is the release of the bundled kernel that the functions' hooks
    were taken from, as the nearest one; empty where they are this kernel's own, or not known. ``shadowed`` are
    functions of modules that cannot be reached, since vmlinux or an earlier module has the name. ``others`` are all
    FUNCs of vmlinux; ``None`` where the source has kfuncs alone (a pack). ``modules_loaded`` where the modules whose
    functions are here are loaded, and not merely installed. ``memo`` keeps what was worked out of the index.
    """

    name: str
    release: str
    functions: Mapping[str, KernelFunction]
    provenance: Provenance
    hooks_of: str = ""
    shadowed: tuple[KernelFunction, ...] = ()
    others: AllFunctions | None = None
    modules_loaded: bool = False
    memo: dict[Hashable, object] = field(default_factory=dict, init=False, repr=False)

    @cached_property
    def version(self) -> tuple[int, int] | None:
        """Major and minor number; ``None`` where neither release nor name begins with two numbers."""
        numbers = re.match(r"(\d+)\.(\d+)", self.release or self.name)
        return (int(numbers[1]), int(numbers[2])) if numbers else None

    @cached_property
    def young_hooks(self) -> Mapping[str, bool | None]:
        """Program types that have not always had a hook, and whether they have it; ``None`` where one cannot tell.

        RAW_TRACEPOINT has one from 7.0 on, which is also when implicit arguments came; SOCK_OPS has had one since
        between 6.12 and 6.18, where it registers a set too.
        """
        implicit = any(f.klass in _YOUNG for f in self.functions.values())
        sockops = "BPF_PROG_TYPE_SOCK_OPS"
        seen = implicit or any(sockops in hook.program_types for f in self.kfuncs() for hook in f.hooks or ())
        return {"BPF_PROG_TYPE_RAW_TRACEPOINT": implicit, sockops: seen or None}

    @cached_property
    def trusts_by_default(self) -> bool | None:
        """Whether every kfunc wants trusted pointers, none of them NULL (from 7.0 on); ``None`` where not known.

        Before, only those did that a flag said it of.
        """
        flags = [f.flags for f in self.functions.values() if f.flags is not None]
        if flags:
            return not any(flag & KF_TRUSTED_ARGS for flag in flags)
        if any(f.klass in _YOUNG for f in self.functions.values()):
            return True
        return self.version >= (7, 0) if self.version else None

    @property
    def kfuncs_known(self) -> bool:
        """Whether the source tells kfuncs from functions at all; where not, there are no functions."""
        return bool(self.functions)

    @property
    def flags_known(self) -> bool:
        """Whether the source told the KF_* flags."""
        return any(f.flags is not None for f in self.functions.values())

    @property
    def hooks_known(self) -> bool:
        """Whether it is known which program types may call what; mind ``hooks_of``."""
        return any(f.hooks is not None for f in self.functions.values())

    def get(self, name: str) -> KernelFunction | None:
        """The function of exactly this name, if the index has it."""
        return self.functions.get(name)

    def find(self, name: str) -> KernelFunction | None:
        """The FUNC that libbpf finds under this name, kfunc or not (L4): vmlinux before modules.

        ``None`` proves that there is none only where ``is_whole``.
        """
        function = self.functions.get(name)
        if self.others is not None and (function is None or function.module is not None):
            return self.others.get(name) or function
        return function

    @property
    def is_whole(self) -> bool:
        """Whether the source has every FUNC of vmlinux, and not kfuncs alone."""
        return self.others is not None

    def source_of(self, fact: Fact) -> str:
        """Where facts of this kind are from, in words: "image", "pack", "BTF only", or another kernel's release."""
        if fact is Fact.HOOKS and self.hooks_of:
            return self.hooks_of
        return "BTF only" if self.provenance.kind == "btf" else self.provenance.kind

    def is_own(self, fact: Fact) -> bool:
        """Whether facts of this kind are this kernel's own, and not taken from the most similar one."""
        return not (fact is Fact.HOOKS and self.hooks_of)

    def kfuncs(self) -> Iterator[KernelFunction]:
        """The functions that are kfuncs of this kernel (callable or broken), by name."""
        for name in sorted(self.functions):
            function = self.functions[name]
            if function.klass not in (FunctionClass.BTF_ONLY_IMPL, FunctionClass.FUNCTION):
                yield function
