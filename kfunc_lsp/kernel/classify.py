"""From BTF and ``.BTF_ids`` to a ``Kernel``: which function is a kfunc, and in which form it can be called.

Two questions are put to two kinds of evidence. Is a function a kfunc: it is in a set, or, where only types are
known, it carries the decl tag. Does the verifier supply arguments to it: ``KF_IMPLICIT_ARGS`` and the shape of the
pair ``foo`` and ``foo_impl``, or the shape alone.
"""

from __future__ import annotations

from collections.abc import Set
from functools import partial
from itertools import islice

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import FuncProto, Kind, Param, Ptr, Struct, skip_modifiers
from kfunc_lsp.dataclass import replace
from kfunc_lsp.errors import BtfError
from kfunc_lsp.image.code import Code
from kfunc_lsp.kernel.flags import KF_IMPLICIT_ARGS
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction, Provenance
from kfunc_lsp.kernel.program_types import FMODRET_HOOK
from kfunc_lsp.kernel.registered import RegisteredSet, hooks_of, registered_sets

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
    kfuncs from functions gives a ``Kernel`` without functions. Raises ``BtfError`` where a prototype is damaged, or
    ``ids`` belong to another BTF.
    """
    sets = registered_sets(btf, ids, code, registrations) if ids is not None else []
    classifier = _Classifier(btf, sets, known_names)
    functions = {function.name: function for function in classifier.functions()}
    detail = _detail(functions, flags_known=bool(sets), ids_given=ids is not None)
    return Kernel(name, release, functions, replace(provenance, detail=detail))


class _Classifier:
    """The evidence about one kernel, and the rules that weigh it."""

    def __init__(self, btf: Btf, sets: list[RegisteredSet], known_names: Set[str]) -> None:
        self._btf = btf
        self._flags: dict[int, set[int]] = {}
        self._hooks = hooks_of(sets)
        for each in sets:
            for func_id, flags in each.members.items():
                self._flags.setdefault(func_id, set()).add(flags)
        tags = btf.decl_tags(KFUNC_TAG)
        self._tagged = {target for target, part in tags if part == -1 and btf.kind(target) == Kind.FUNC}
        if len(self._tagged) > _MAX_KFUNCS:
            raise BtfError(f"BTF: {len(self._tagged)} kfuncs are more than any kernel has; the data is damaged")
        if sets and len(self._tagged & self._flags.keys()) * 2 < len(self._tagged):
            raise BtfError(".BTF_ids: most kfuncs of the BTF are in none of its sets; it is of another kernel")
        impls = sorted(islice(btf.names_ending(_IMPL, Kind.FUNC), _MAX_KFUNCS + 1), reverse=True)
        if len(impls) > _MAX_KFUNCS:
            raise BtfError("BTF: more functions end in _impl than any kernel has; the data is damaged")
        self._impls = {found: func_id for func_id, found in impls}
        self._kfuncs = {
            btf.name(func_id): func_id for func_id in sorted(self._tagged | self._flags.keys(), reverse=True)
        }
        if self._kfuncs and not sets:
            self._kfuncs |= self._untagged_kfuncs(known_names)

    def functions(self) -> list[KernelFunction]:
        """Every function that the index is to have, by name."""
        if not self._kfuncs:
            return []
        classes = {name: self._class_of_kfunc(name, func_id) for name, func_id in self._kfuncs.items()}
        for name in self._impls:
            base = classes.get(name.removesuffix(_IMPL))
            own = classes.get(name, FunctionClass.KFUNC)
            if own == FunctionClass.KFUNC or base in (FunctionClass.IMPLICIT, FunctionClass.MAGIC):
                classes[name] = self._class_of_impl(name, base)
        return [self._function(name, classes[name]) for name in sorted(classes)]

    def _class_of_kfunc(self, name: str, func_id: int) -> FunctionClass:
        hooks = self._hooks.get(func_id)
        if name in _FMODRET_ONLY if hooks is None else all(hook.name == FMODRET_HOOK for hook in hooks):
            return FunctionClass.NOT_CALLABLE
        extra = self._extra_params(name, func_id)
        impl_id = self._impls.get(name + _IMPL)
        flags = self._flags.get(func_id)
        if flags is not None:
            if not any(value & KF_IMPLICIT_ARGS for value in flags):
                return FunctionClass.KFUNC
            if not extra:
                is_broken = impl_id is not None or self._shows_implicit(func_id)
                return FunctionClass.BROKEN if is_broken else FunctionClass.KFUNC
            magic = impl_id in self._tagged and impl_id not in self._flags and _all_magic(extra)
            return FunctionClass.MAGIC if magic else FunctionClass.IMPLICIT
        if extra and impl_id in self._tagged:
            return FunctionClass.MAGIC if _all_magic(extra) else FunctionClass.IMPLICIT
        if extra and _is_implicit(extra[0]):
            return FunctionClass.IMPLICIT
        return FunctionClass.BROKEN if self._shows_implicit(func_id) else FunctionClass.KFUNC

    def _class_of_impl(self, name: str, base: FunctionClass | None) -> FunctionClass:
        """The class of a function whose name ends in ``_impl``, given that of the function without."""
        func_id = self._impls[name]
        if base == FunctionClass.MAGIC:
            return FunctionClass.MAGIC
        if func_id in (self._flags or self._tagged):
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

    def _function(self, name: str, klass: FunctionClass) -> KernelFunction:
        func_id = self._kfuncs.get(name, self._impls.get(name, 0))
        flag_sets = self._flags.get(func_id)
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
            load_prototype=self._loader(func_id),
            load_impl_prototype=self._loader(self._impls[name + _IMPL]) if has_impl else None,
            hooks=self._hooks.get(func_id),
        )

    def _loader(self, func_id: int) -> partial[FuncProto]:
        """A prototype on demand, decoded once now: damage must show while the index is made."""
        self._btf.func_proto(func_id)
        return partial(self._btf.func_proto, func_id)


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


def _detail(functions: dict[str, KernelFunction], *, flags_known: bool, ids_given: bool) -> str:
    """What the index knows and does not, in words."""
    if not functions:
        missing = "kfunc set in .BTF_ids" if ids_given else ".BTF_ids"
        return (
            f"does not tell kfuncs from other functions: no decl tags bpf_kfunc and no {missing}; "
            "give the kernel's vmlinuz or vmlinux, or a bundled kernel by name"
        )
    if any(f.hooks is not None for f in functions.values()):
        return "types, kfunc flags and program types"
    if flags_known:
        return "types and kfunc flags"
    if ids_given:
        return "types alone: .BTF_ids holds no kfunc set; it may be of another kernel"
    return "types alone: kfunc flags are not known"
