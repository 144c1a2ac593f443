"""From BTF and ``.BTF_ids`` to a ``Kernel``: which function is a kfunc, and in which form it can be called.

Two questions are put to two kinds of evidence. Is a function a kfunc: it is in a set, or, where only types are
known, it carries the decl tag. Does the verifier supply arguments to it: ``KF_IMPLICIT_ARGS`` and the shape of the
pair ``foo`` and ``foo_impl``, or the shape alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind, Param, Ptr, Struct, skip_modifiers
from kfunc_lsp.dataclass import replace
from kfunc_lsp.errors import BtfError
from kfunc_lsp.kernel.flags import KF_IMPLICIT_ARGS
from kfunc_lsp.kernel.model import FunctionClass, Hook, Kernel, KernelFunction, Provenance
from kfunc_lsp.kernel.program_types import FMODRET_HOOK
from kfunc_lsp.kernel.registered import RegisteredSet, hooks_of, registered_sets

if TYPE_CHECKING:
    from kfunc_lsp.image.code import Code

KFUNC_TAG = "bpf_kfunc"

_MAX_KFUNCS = 1 << 14
_IMPL = "_impl"
_MAGIC = "__magic"

_IMPLICIT_TYPES = frozenset({"bpf_prog_aux", "btf_struct_meta"})
"""The structs that resolve_btfids (``is_kf_implicit_arg``) takes for arguments of the verifier's."""

_FMODRET_ONLY = frozenset({"bpf_fentry_test1", "bpf_modify_return_test", "bpf_modify_return_test2"})
"""Registered with ``register_btf_fmodret_id_set`` alone; a program attaches to them, and cannot call.

The names serve where the source does not tell the registrations."""


def build_kernel(
    btf: Btf,
    ids: bytes | None,
    *,
    name: str,
    release: str,
    provenance: Provenance,
    known_names: Set[str] = frozenset(),
    code: Code | None = None,
    registrations: bytes | None = None,
) -> Kernel:
    """Index the kfuncs of a kernel.

    ``ids`` are the bytes of its ``.BTF_ids``, ``None`` where there are none. ``known_names`` are names of
    kfuncs with implicit arguments of other kernels: without flags they are what shows that the build left one
    untagged. What the sets are registered for is in ``code``, or was taken from it into the
    ``registrations`` of a pack. ``provenance.detail`` of the result says what is known. A BTF that does not tell
    kfuncs from functions gives a ``Kernel`` without functions. Functions are classified, and prototypes decoded, when
    they are asked for: one that is damaged raises ``BtfError`` then (see ``decoded``). Raises it now where ``ids``
    belong to another BTF.
    """
    sets = registered_sets(btf, ids, code, registrations) if ids is not None else []
    kernel = Kernel(name, release, _Index(btf, sets, known_names), provenance)
    detail = _detail(kernel, flags_known=bool(sets), ids_given=ids is not None)
    return replace(kernel, provenance=replace(provenance, detail=detail))


def decoded(kernel: Kernel) -> Kernel:
    """``kernel``, all of whose functions have been looked at. Raises ``BtfError`` where one is damaged."""
    for function in kernel.functions.values():
        function.facts  # noqa: B018 - takes both prototypes
    return kernel


class _Index(Mapping[str, KernelFunction]):
    """The functions of one kernel by name: the evidence about it, and the rules that weigh it.

    Each is looked at when it is asked for, as a program asks for few.
    """

    def __init__(self, btf: Btf, sets: list[RegisteredSet], known_names: Set[str]) -> None:
        self._btf = btf
        self._functions: dict[str, KernelFunction] = {}
        self._classes: dict[str, FunctionClass] = {}
        self._hooks: dict[tuple[tuple[int, int], ...], tuple[Hook, ...] | None] = {}
        self._sets: dict[int, list[RegisteredSet]] = {}
        for each in sets:
            for func_id in each.members:
                self._sets.setdefault(func_id, []).append(each)
        tags = btf.decl_tags(KFUNC_TAG)
        self._tagged = {target for target, part in tags if part == -1 and btf.kind(target) == Kind.FUNC}
        if len(self._tagged) > _MAX_KFUNCS:
            raise BtfError(f"BTF: {len(self._tagged)} kfuncs are more than any kernel has; the data is damaged")
        if sets and len(self._tagged & self._sets.keys()) * 2 < len(self._tagged):
            raise BtfError(".BTF_ids: most kfuncs of the BTF are in none of its sets; it is of another kernel")
        impls = sorted(islice(btf.names_ending(_IMPL, Kind.FUNC), _MAX_KFUNCS + 1), reverse=True)
        if len(impls) > _MAX_KFUNCS:
            raise BtfError("BTF: more functions end in _impl than any kernel has; the data is damaged")
        self._impls = {found: func_id for func_id, found in impls}
        self._kfuncs = {
            btf.name(func_id): func_id for func_id in sorted(self._tagged | self._sets.keys(), reverse=True)
        }
        if self._kfuncs and not sets:
            self._kfuncs |= self._untagged_kfuncs(known_names)
        self._ids = dict(sorted((self._impls | self._kfuncs).items())) if self._kfuncs else {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids)

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, name: object) -> bool:
        return name in self._ids

    def __getitem__(self, name: str) -> KernelFunction:
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._function(name, self._ids[name])
        return function

    def _class_of(self, name: str) -> FunctionClass | None:
        """The class of the function of this name; ``None`` where the index has none."""
        if name not in self._ids:
            return None
        klass = self._classes.get(name)
        if klass is None:
            klass = FunctionClass.KFUNC
            if name in self._kfuncs:
                klass = self._class_of_kfunc(name, self._kfuncs[name])
            if name in self._impls:
                base = self._class_of(name.removesuffix(_IMPL))
                if klass == FunctionClass.KFUNC or base in (FunctionClass.IMPLICIT, FunctionClass.MAGIC):
                    klass = self._class_of_impl(name, base)
            self._classes[name] = klass
        return klass

    def _class_of_kfunc(self, name: str, func_id: int) -> FunctionClass:
        hooks = self._hooks_of(func_id)
        if name in _FMODRET_ONLY if hooks is None else all(hook.name == FMODRET_HOOK for hook in hooks):
            return FunctionClass.NOT_CALLABLE
        extra = self._extra_params(name, func_id)
        impl_id = self._impls.get(name + _IMPL)
        flags = self._flags(func_id)
        if flags is not None:
            if not any(value & KF_IMPLICIT_ARGS for value in flags):
                return FunctionClass.KFUNC
            if not extra:
                is_broken = impl_id is not None or self._shows_implicit(func_id)
                return FunctionClass.BROKEN if is_broken else FunctionClass.KFUNC
            magic = impl_id in self._tagged and impl_id not in self._sets and _all_magic(extra)
            return FunctionClass.MAGIC if magic else FunctionClass.IMPLICIT
        if extra and impl_id in self._tagged:
            return FunctionClass.MAGIC if _all_magic(extra) else FunctionClass.IMPLICIT
        if extra and _is_implicit(extra[0]):
            return FunctionClass.IMPLICIT
        return FunctionClass.BROKEN if self._shows_implicit(func_id) else FunctionClass.KFUNC

    def _hooks_of(self, func_id: int) -> tuple[Hook, ...] | None:
        """The function's hooks; of most sets all functions with the same flags have the same."""
        sets = self._sets.get(func_id, ())
        alike = tuple((id(each), each.members[func_id]) for each in sets)
        if alike not in self._hooks:
            self._hooks[alike] = hooks_of(func_id, sets)
        return self._hooks[alike]

    def _flags(self, func_id: int) -> set[int] | None:
        """The flags in each set that has the function; ``None`` where none has."""
        return {each.members[func_id] for each in self._sets[func_id]} if func_id in self._sets else None

    def _class_of_impl(self, name: str, base: FunctionClass | None) -> FunctionClass:
        """The class of a function whose name ends in ``_impl``, given that of the function without."""
        func_id = self._impls[name]
        if base == FunctionClass.MAGIC:
            return FunctionClass.MAGIC
        if func_id in (self._sets or self._tagged):
            return FunctionClass.LEGACY_IMPL if base == FunctionClass.IMPLICIT else FunctionClass.PLAIN_IMPL
        return FunctionClass.BTF_ONLY_IMPL if base == FunctionClass.IMPLICIT else FunctionClass.FUNCTION

    def _extra_params(self, name: str, func_id: int) -> tuple[Param, ...]:
        """What ``NAME_impl`` has beyond ``NAME``, nothing where the two are no pair.

        Names are compared, not types: the visible prototype alone gets the arena's type attributes.
        """
        impl_id = self._impls.get(name + _IMPL)
        if impl_id is None:
            return ()
        visible, impl = self._btf.param_names(func_id), self._btf.param_names(impl_id)
        if impl[: len(visible)] != visible:
            return ()
        return self._btf.func_proto(impl_id).params[len(visible) :]

    def _shows_implicit(self, func_id: int) -> bool:
        """Whether a function has arguments in its own prototype that only the verifier can supply.

        ``KF_IMPLICIT_ARGS`` alone is no proof: trees that were never released used the bit for other things.
        """
        return any(_is_implicit(p) or _all_magic((p,)) for p in self._btf.func_proto(func_id).params)

    def _untagged_kfuncs(self, known_names: Set[str]) -> dict[str, int]:
        """Functions that have lost their tag, as their name and the argument left in them show."""
        suspects: dict[str, int] = {}
        for func_id, name in self._btf.find_any(known_names - self._kfuncs.keys(), Kind.FUNC):
            params = self._btf.func_proto(func_id).params
            if params and _is_implicit(params[-1]):
                suspects[name] = min(func_id, suspects.get(name, func_id))
        return suspects

    def _function(self, name: str, func_id: int) -> KernelFunction:
        klass = self._class_of(name)
        assert klass is not None
        flag_sets = self._flags(func_id)
        base = name.removesuffix(_IMPL)
        base_is_pair = klass in (FunctionClass.BTF_ONLY_IMPL, FunctionClass.LEGACY_IMPL) or (
            klass == FunctionClass.MAGIC and base != name
        )
        has_impl = klass in (FunctionClass.IMPLICIT, FunctionClass.MAGIC) and not base_is_pair
        return KernelFunction(
            name=name,
            klass=klass,
            type_id=func_id,
            tagged=func_id in self._tagged,
            flags=_union(flag_sets) if flag_sets is not None else None,
            flag_sets=tuple(sorted(flag_sets)) if flag_sets is not None else None,
            base=base if base_is_pair else None,
            load_prototype=partial(self._btf.func_proto, func_id),
            load_impl_prototype=partial(self._btf.func_proto, self._impls[name + _IMPL]) if has_impl else None,
            hooks=self._hooks_of(func_id),
        )


def _is_implicit(param: Param) -> bool:
    pointer = skip_modifiers(param.type)
    if not isinstance(pointer, Ptr):
        return False
    target = skip_modifiers(pointer.target)
    return isinstance(target, Struct) and target.name in _IMPLICIT_TYPES


def _all_magic(params: tuple[Param, ...]) -> bool:
    return all(param.name.endswith(_MAGIC) for param in params)


def _union(flag_sets: set[int]) -> int:
    union = 0
    for flags in flag_sets:
        union |= flags
    return union


def _detail(kernel: Kernel, *, flags_known: bool, ids_given: bool) -> str:
    """What the index knows and does not, in words."""
    if not kernel.kfuncs_known:
        missing = "kfunc set in .BTF_ids" if ids_given else ".BTF_ids"
        return (
            f"does not tell kfuncs from other functions: no decl tags bpf_kfunc and no {missing}; "
            "give the kernel's vmlinuz or vmlinux, or a bundled kernel by name"
        )
    if kernel.hooks_known:
        return "types, kfunc flags and program types"
    if flags_known:
        return "types and kfunc flags"
    if ids_given:
        return "types alone: .BTF_ids holds no kfunc set; it may be of another kernel"
    return "types alone: kfunc flags are not known"
