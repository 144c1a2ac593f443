"""What the verifier says of the arguments of a call: the first that it certainly refuses.

Mirrors ``check_kfunc_args`` and ``get_kfunc_ptr_arg_type`` of ``kernel/bpf/verifier.c``: parameters in order, each by
its suffix, its type and what the register holds. An argument that nothing is known of may be refused before; then the
call is refused all the same. What is not followed to the end (the members of structures) gives no refusal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

from kfunc_lsp.btf.types import Array, FuncProto, Int, Param, Ptr, Struct, Type, skip_modifiers_and_typedefs
from kfunc_lsp.btf.types import Enum as EnumType
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.kernel.flags import KF_RCU, KF_RELEASE, KF_TRUSTED_ARGS
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.rules.load import Call, Load
from kfunc_lsp.rules.model import Label, Severity, Stage, Violation
from kfunc_lsp.unit.value import Holds, Value


class Demand(Enum):
    """What a refused argument must do."""

    NOT_NULL = "not be NULL"
    POINTER = "be a pointer"
    CONSTANT = "be a known constant"
    STRING = "be a constant string"
    MAP = "be a map"
    CALLBACK = "be a function"
    STACK_SLOT = "be on the stack"


@dataclass(frozen=True, slots=True)
class Refusal:
    """The argument ``index`` of ``call``, which holds ``value``, is refused; ``foreseen`` are the kernel's words."""

    call: Call
    index: int
    value: Value
    demand: Demand
    foreseen: str

    @property
    def param(self) -> Param:
        """The kernel's parameter."""
        return self.call.function.prototype.params[self.index]

    @property
    def ordinal(self) -> str:
        """The argument in words, counted from 1."""
        return f"argument {self.index + 1}"

    @property
    def words(self) -> str:
        """What the argument is instead, as a clause."""
        return f"this is {_WORDS[self.value.holds]}"

    def violation(self, headline: str, why: str, advice: str = "") -> Violation:
        """The finding at the name of the function, with a mark at the argument."""
        use = self.call.use
        place = use.arguments[self.index] if self.index < len(use.arguments) else None
        is_beside = place is not None and place.file is use.span.file
        return Violation(
            Severity.ERROR if self.call.is_certain else Severity.WARNING,
            use.span,
            headline,
            why,
            Stage.VERIFIER,
            self.foreseen,
            advice=advice,
            marks=(Label(place, f"must {self.demand.value}"),) if place is not None and is_beside else (),
            related=(Label(use.definition, f"written by macro `{use.macro}`"),) if use.definition else (),
            subject=use.name,
        )


def refusals(load: Load, name: str, demand: Demand) -> Iterator[Refusal]:
    """The calls of ``name`` of which an argument is refused for want of ``demand``."""
    refused = load.shared(("refused", name), lambda load: _refused(load, name))
    return (refusal for refusal in refused if refusal.demand is demand)


def _refused(load: Load, name: str) -> Sequence[Refusal]:
    """One refusal for each call that has one."""
    function = load.bound(name)
    if function is None or not function.callable or load.outcome(name) is Outcome.INCOMPATIBLE:
        return ()
    found = []
    for use in load.unit.uses_by_name[name]:
        refusal = next(_Arguments(load, Call(use, function, True)).refused(), None)
        # few calls are refused, and whether the verifier meets one takes long to tell
        call = load.call(use) if refusal is not None else None
        if refusal is not None and call is not None:
            found.append(replace(refusal, call=call))
    return found


_CONSTANT = "R{n} must be a known constant"
_UNBOUNDED = "R{n} unbounded memory access, use 'var &= const' or 'if (var < const)'"
_NOT_MAP = "pointer in R{n} isn't map pointer"
_NO_CALLBACK = "{short} expected pointer to func"
_NOT_TRUSTED = "R{n} must be referenced or trusted"
_NO_MEMORY = "R{n} type={type} expected=fp"

_NUMBERS = (Holds.CONSTANT, Holds.NUMBER)
_NO_CONSTANTS = (Holds.NUMBER, Holds.VARYING)
_SUPPLIED = ("__ign", "__prog")
_NULLABLE = ("__nullable", "__opt")
_MAP, _CONST_MAP = "__map", "__const_map"
_SIZES = ("__sz", "__szk")
_BUFFER_SIZES = ("rdonly_buf_size", "rdwr_buf_size")
_TYPES = {
    Holds.CONSTANT: "scalar",
    Holds.NUMBER: "scalar",
    Holds.STACK: "fp",
    Holds.DATA: "map_value",
    Holds.READ_ONLY: "map_value",
    Holds.MAP: "map_ptr",
    Holds.MAP_VALUE: "map_value",
    Holds.FUNCTION: "func",
}
"""What the verifier calls what registers hold (``reg_type_str``)."""
_WORDS = {
    Holds.CONSTANT: "a number",
    Holds.NUMBER: "a number",
    Holds.VARYING: "what memory holds",
    Holds.STACK: "on the stack",
    Holds.DATA: "a variable that may be written to",
    Holds.READ_ONLY: "constant data",
    Holds.MAP: "a map",
    Holds.MAP_VALUE: "a map's value",
    Holds.FUNCTION: "a function",
}
_NUMBERS_ALONE = frozenset(
    """
    ack_sample bpf_cpumask bpf_crypto_params bpf_ksock_create_opts bpf_tcp_req_attrs bpf_xfrm_state_opts cpumask
    prog_test_member pt_regs scx_bpf_dsq_insert_vtime_args scx_bpf_select_cpu_and_args scx_cid_topo scx_event_stats
    """.split()
)
"""Structures made of numbers, which any memory may hold: an index of kfuncs has no members."""
_IN_MAP_VALUES = "{arg} doesn't point to a map value"
_PLACES = {
    "bpf_wq": _IN_MAP_VALUES,
    "bpf_timer": _IN_MAP_VALUES,
    "bpf_task_work": _IN_MAP_VALUES,
    "bpf_list_head": "{arg} expected pointer to map value or allocated object",
    "bpf_rb_root": "{arg} expected pointer to map value or allocated object",
    "bpf_res_spin_lock": "{arg} doesn't point to map value or allocated object",
}
"""Structures that are in map values, and what the kernel says of an address that is not."""
_OTHERWISE = frozenset(("bpf_list_node", "bpf_rb_node", "__sk_buff", "xdp_md"))
"""Structures whose arguments are judged by more than is known here."""


class _Arguments:
    """The arguments of one call as the verifier goes through them."""

    def __init__(self, load: Load, call: Call) -> None:
        self._load = load
        self._call = call
        self._flags = call.function.flags

    def refused(self) -> Iterator[Refusal]:
        """The arguments that are certainly refused, if the verifier got so far."""
        params = self._call.function.prototype.params
        is_size = False
        for index, param in enumerate(params):
            bare = skip_modifiers_and_typedefs(param.type)
            following = params[index + 1].name if index + 1 < len(params) else ""
            is_buffer = isinstance(bare, Ptr) and _ends(following, *_SIZES)
            if not is_size and not _ends(param.name, *_SUPPLIED):
                if isinstance(bare, Int | EnumType):
                    yield from self._number(index, param.name)
                elif isinstance(bare, Ptr) and (value := self._value(index)) is not None:
                    pointee = skip_modifiers_and_typedefs(bare.target)
                    yield from self._pointer(index, param.name, pointee, value, is_buffer=is_buffer)
            if is_buffer:
                yield from self._size(index, following)
            is_size = is_buffer

    def _value(self, index: int) -> Value | None:
        return self._call.use.value(index)

    def _refusal(self, index: int, value: Value, demand: Demand, words: str) -> Refusal:
        """``words`` may have ``{arg}``, which is a register since 7.2, the register's number ``{n}``, and so on."""
        is_late = self._is_from(7, 2)
        return Refusal(
            self._call,
            index,
            value,
            demand,
            words.format(
                i=index,
                n=index + 1,
                arg=f"R{index + 1}" if is_late else f"arg#{index}",
                short=f"R{index + 1}" if is_late else f"arg{index}",
                type=_TYPES.get(value.holds, "scalar"),
                name=self._call.function.name,
            ),
        )

    def _is_from(self, major: int, minor: int) -> bool:
        return self._load.is_since(major, minor) is not False

    def _number(self, index: int, name: str) -> Iterator[Refusal]:
        words = _CONSTANT if _ends(name, "__k") else "R{n} is not a const" if name in _BUFFER_SIZES else ""
        value = self._value(index) if words else None
        if value is not None and value.holds in _NO_CONSTANTS:
            yield self._refusal(index, value, Demand.CONSTANT, words)

    def _size(self, index: int, name: str) -> Iterator[Refusal]:
        """The size of the buffer at ``index``, which is looked at together with it."""
        size = self._value(index + 1) if _ends(name, "__szk") else None
        if size is not None and size.holds in _NO_CONSTANTS:
            buffer = self._value(index)
            # before 7.3 the access was looked at first
            is_checked = size.is_bounded or self._is_from(7, 3) or (buffer is not None and buffer.is_null)
            yield self._refusal(index + 1, size, Demand.CONSTANT, _CONSTANT if is_checked else _UNBOUNDED)

    def _pointer(self, index: int, name: str, pointee: Type, value: Value, *, is_buffer: bool) -> Iterator[Refusal]:
        if "__arena" in name or isinstance(pointee, Array):
            return
        if value.is_null:
            yield from self._null(index, name, pointee, value, is_buffer=is_buffer)
            return
        role = _role(name, pointee)
        is_number = value.holds is Holds.NUMBER or (value.holds is Holds.CONSTANT and value.number is not None)
        if role is not None:
            demand, allowed, words = role
            may_be = value.holds in allowed or (value.holds is Holds.VARYING and demand not in _NEVER_FROM_MEMORY)
            if not may_be and not (is_number and (self._flags or 0) & KF_RELEASE):
                yield self._refusal(index, value, demand, self._words(name, words, value))
        elif is_number and (words := self._of_number(name, pointee, is_buffer=is_buffer)):
            yield self._refusal(index, value, Demand.POINTER, words)

    def _words(self, name: str, words: str, value: Value) -> str:
        """``words``, unless something is refused for another reason than that it is not what is demanded."""
        if _ends(name, "__str") and value.holds is Holds.DATA:
            return "R{n} does not point to a readonly map'"
        if words == _NO_CALLBACK and value.holds is Holds.MAP and not self._is_from(7, 3):
            return "kernel function {name} args#{i} pointer type FUNC_PROTO  is not supported"
        if not _ends(name, _MAP, _CONST_MAP):
            return words
        if _ends(name, _MAP) and self._is_from(7, 3):
            return "R{n} is {type} expected STRUCT bpf_map or map_ptr"
        if value.holds in (Holds.DATA, Holds.READ_ONLY, Holds.MAP_VALUE, Holds.FUNCTION) and not self._is_from(7, 3):
            is_trusted = self._wants_trusted(KF_TRUSTED_ARGS | KF_RCU)
            return _NOT_TRUSTED if is_trusted else "{arg} is {type} expected {type} or socket"
        return words

    def _of_number(self, name: str, pointee: Type, *, is_buffer: bool) -> str:
        """What is said of a number for a pointer that may point to memory; empty where that is not known."""
        is_release = bool((self._flags or 0) & KF_RELEASE)
        tag = pointee.name if isinstance(pointee, Struct) else ""
        if _ends(name, "__alloc", "__refcounted_kptr", "__nonown_allowed") or tag in _OTHERWISE:
            return ""
        if is_release and self._is_from(7, 2):
            return "release kfunc {name} expects referenced PTR_TO_BTF_ID passed to R{n}"
        if is_buffer or tag in _NUMBERS_ALONE or isinstance(pointee, Int | EnumType):
            return _NO_MEMORY
        if tag in _PLACES:
            return _PLACES[tag]
        if not tag:
            return ""
        if not self._is_from(7, 3):
            return f"{{arg}} pointer type STRUCT {tag} must point to scalar, or struct with scalar"
        return f"R{{n}} is scalar expected STRUCT {tag}" + (" or map_ptr" if tag == "bpf_map" else "")

    def _null(self, index: int, name: str, pointee: Type, value: Value, *, is_buffer: bool) -> Iterator[Refusal]:
        if _ends(name, *_NULLABLE):
            return
        if self._wants_trusted(KF_TRUSTED_ARGS | KF_RELEASE | KF_RCU):
            yield self._refusal(index, value, Demand.NOT_NULL, "Possibly NULL pointer passed to trusted {short}")
        elif self._flags is not None and self._load.trusts_by_default is False:
            role = _role(name, pointee)
            words = role[2] if role else _PLACES.get(pointee.name, "") if isinstance(pointee, Struct) else ""
            size = self._value(index + 1) if is_buffer else None
            if size is not None and size.holds is Holds.CONSTANT and size.number:
                words = _NO_MEMORY
            if words:
                yield self._refusal(index, value, Demand.NOT_NULL, words)

    def _wants_trusted(self, flags: int) -> bool:
        """Whether pointers must be trusted, and not NULL: always from 7.0 on, before where one of ``flags`` says so."""
        return self._load.trusts_by_default is True or bool((self._flags or 0) & flags)


_NEVER_FROM_MEMORY = (Demand.STRING, Demand.CALLBACK)
"""Demands that nothing which is read from memory meets."""


def _role(name: str, pointee: Type) -> tuple[Demand, tuple[Holds, ...], str] | None:
    """What a parameter demands by its name or type alone, what meets it, and the words for what does not."""
    if _ends(name, "__str"):
        return Demand.STRING, (Holds.READ_ONLY, Holds.MAP_VALUE), "{arg} doesn't point to a const string"
    if _ends(name, _MAP, _CONST_MAP):
        return Demand.MAP, (Holds.MAP,), _NOT_MAP
    if _ends(name, "__irq_flag"):
        return Demand.STACK_SLOT, (Holds.STACK,), "{arg} doesn't point to an irq flag on stack"
    if isinstance(pointee, FuncProto):
        return Demand.CALLBACK, (Holds.FUNCTION,), _NO_CALLBACK
    if isinstance(pointee, Struct) and (pointee.name.startswith("bpf_iter_") or _ends(name, "__iter")):
        return Demand.STACK_SLOT, (Holds.STACK,), "{arg} expected pointer to an iterator on stack"
    if isinstance(pointee, Struct) and pointee.name == "bpf_dynptr":
        return Demand.STACK_SLOT, (Holds.STACK,), "{arg} expected pointer to stack or const struct bpf_dynptr"
    return None


def _ends(name: str, *suffixes: str) -> bool:
    """Whether a parameter's name has one of the suffixes, and more than it (``btf_param_match_suffix``)."""
    return any(name.endswith(suffix) and len(name) > len(suffix) for suffix in suffixes)
