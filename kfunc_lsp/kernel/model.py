"""The index of one kernel's kfuncs: what a rule or the editor asks a kernel.

Owns the vocabulary (class, flags, provenance). How the index is made from BTF is ``classify``'s business; how
it is stored is ``pack``'s.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property

from kfunc_lsp.btf.types import FuncProto, Param


class FunctionClass(Enum):
    """What a FUNC of the kernel is to a BPF program; the values are the rules of the specification."""

    IMPLICIT = "R1"
    BTF_ONLY_IMPL = "R2"
    LEGACY_IMPL = "R3"
    PLAIN_IMPL = "R4"
    UNRELATED_IMPL = "R5"
    BROKEN = "R6"
    MAGIC = "R7"
    KFUNC = "R8"
    NOT_CALLABLE = "R9"

    @property
    def words(self) -> str:
        """The class in words, for people."""
        return _WORDS[self]


_WORDS = {
    FunctionClass.IMPLICIT: "kfunc with implicit arguments",
    FunctionClass.BTF_ONLY_IMPL: "exists in BTF only, never callable",
    FunctionClass.LEGACY_IMPL: "kfunc, the older form of one with implicit arguments",
    FunctionClass.PLAIN_IMPL: "kfunc whose name ends in _impl",
    FunctionClass.UNRELATED_IMPL: "kernel function, not a kfunc",
    FunctionClass.BROKEN: "broken in this kernel: callable in no form",
    FunctionClass.MAGIC: "kfunc of a magic pair: both forms are callable",
    FunctionClass.KFUNC: "kfunc",
    FunctionClass.NOT_CALLABLE: "tagged as a kfunc, but only a target of fmod_ret programs",
}


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


@dataclass(frozen=True)
class KernelFunction:
    """One FUNC of a kernel's BTF that concerns BPF programs.

    ``flags`` is the union of the function's flags over all sets that contain it, ``flag_sets`` the flags in
    each set (ascending, without duplicates); both ``None`` where the source has no ``.BTF_ids``. ``base`` is
    the name without ``_impl`` where the class pairs the two (R2, R3, and the second of an R7 pair).
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
        """The prototype of ``NAME_impl`` where the two are a pair (R1, R7), else ``None``."""
        return self.load_impl_prototype() if self.load_impl_prototype else None

    @cached_property
    def implicit(self) -> tuple[Param, ...]:
        """The parameters that the verifier supplies: what ``NAME_impl`` has beyond the visible ones."""
        if self.impl_prototype is None:
            return ()
        return self.impl_prototype.params[len(self.prototype.params) :]

    @property
    def callable(self) -> bool:
        """Whether a BPF program can call the function under this name in some form."""
        return self.klass not in (
            FunctionClass.BTF_ONLY_IMPL,
            FunctionClass.UNRELATED_IMPL,
            FunctionClass.BROKEN,
            FunctionClass.NOT_CALLABLE,
        )


@dataclass(frozen=True)
class Kernel:
    """The kfunc index of one kernel.

    ``name`` is how messages call it ("7.3", "7.3.4+deb13", a file name); ``release`` what the image says of
    itself, empty where unknown. ``functions`` holds every kfunc, every BTF-only ``_impl``, and every function
    that merely ends in ``_impl``. ``hooks_of`` is the release of the bundled kernel that the functions' hooks
    were taken from, as the nearest one; empty where they are this kernel's own, or not known. ``shadowed`` are
    functions of modules that cannot be reached, since vmlinux or an earlier module has the name.
    """

    name: str
    release: str
    functions: Mapping[str, KernelFunction]
    provenance: Provenance
    hooks_of: str = ""
    shadowed: tuple[KernelFunction, ...] = ()

    @property
    def kfuncs_known(self) -> bool:
        """Whether the source tells kfuncs from functions at all (B1); where not, there are no functions."""
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

    def kfuncs(self) -> Iterator[KernelFunction]:
        """The functions that are kfuncs of this kernel (callable or broken), by name."""
        for name in sorted(self.functions):
            function = self.functions[name]
            if function.klass not in (FunctionClass.BTF_ONLY_IMPL, FunctionClass.UNRELATED_IMPL):
                yield function
