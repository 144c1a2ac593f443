"""What there is to say about a function of a kernel's BTF: for hover, completion and signature help.

Structures alone; how they are shown (Markdown, plain text) is decided by who shows them. Facts come from the kernels'
indexes, and what an index does not know is left unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kfunc_lsp.btf.cdecl import parameter, prototype
from kfunc_lsp.btf.types import FuncProto
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.annotations import annotation
from kfunc_lsp.kernel.flags import Flag, decode
from kfunc_lsp.kernel.loader import LIBBPF, Loader
from kfunc_lsp.kernel.model import FunctionClass, Kernel, KernelFunction

_IMPL = "_impl"
_WIDEST = 90


@dataclass(frozen=True, slots=True)
class Signature:
    """A prototype in pieces: ``prefix`` ends in ``(``, ``suffix`` begins with ``)``, ``params`` stand between.

    ``supplied`` of the last parameters are passed by the verifier.
    """

    prefix: str
    params: tuple[str, ...]
    suffix: str
    supplied: int = 0

    @property
    def text(self) -> str:
        """The prototype in one line, without a semicolon."""
        return f"{self.prefix}{', '.join(self.params) or 'void'}{self.suffix}"

    def offsets(self) -> list[tuple[int, int]]:
        """Where each parameter stands in ``text``."""
        found = []
        at = len(self.prefix)
        for param in self.params:
            found.append((at, at + len(param)))
            at += len(param) + 2
        return found

    def declaration(self, comment: str, widest: int = _WIDEST) -> str:
        """The prototype as C, broken into lines of ``widest`` characters if possible.

        ``comment`` stands behind each parameter that is supplied.
        """
        first_supplied = len(self.params) - self.supplied
        params = [f"{param} /* {comment} */" if at >= first_supplied else param for at, param in enumerate(self.params)]
        text = f"{self.prefix}{', '.join(params) or 'void'}{self.suffix};"
        if len(text) <= widest:
            return text
        indent = " " * len(self.prefix) if len(self.prefix) <= widest // 2 else " " * 8
        lines = [self.prefix]
        for at, param in enumerate(params):
            piece = param + (f"{self.suffix};" if at + 1 == len(params) else ",")
            empty = lines[-1] in (self.prefix, indent)
            if not empty and len(lines[-1]) + 1 + len(piece) > widest:
                lines.append(indent + piece)
            else:
                lines[-1] += piece if empty else f" {piece}"
        return "\n".join(lines)


def signature(name: str, proto: FuncProto, supplied: int = 0) -> Signature:
    """The pieces of the declaration of function ``name``."""
    params = tuple(parameter(param) for param in proto.params)
    if proto.variadic and params:
        params = (*params, "...")
    text = prototype(name, proto).removesuffix(";")
    start = text.index(f"{name}(") + len(name) + 1
    end = start + len(", ".join(params) or "void")
    return Signature(text[:start], params, text[end:], supplied)


@dataclass(frozen=True, slots=True)
class Form:
    """One prototype of a function, and what it is for."""

    signature: Signature
    purpose: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a parameter's name tells the verifier."""

    name: str
    words: str


@dataclass(frozen=True, slots=True)
class OnKernels:
    """How the function stands on some kernels."""

    kernels: tuple[str, ...]
    words: str


@dataclass(frozen=True, slots=True)
class Description:
    """A function as seen from the newest kernel that has it, called ``kernel``.

    ``written`` is the name as the program has it, with its flavor. ``flags`` is ``None`` where the kernel's source does
    not tell them; ``has_flags`` is false for what is no function of its own. ``advice`` says what to write instead.
    ``standings`` has every selected kernel, and is empty where only one is.
    """

    name: str
    written: str
    kernel: str
    klass: str
    callable: bool
    advice: str
    forms: tuple[Form, ...]
    notes: tuple[Note, ...]
    flags: tuple[Flag, ...] | None
    has_flags: bool
    standings: tuple[OnKernels, ...]


def looked_up(written: str, kernels: Iterable[Kernel], loader: Loader = LIBBPF) -> str:
    """The name that ``written`` has in kernels: its own where one has it, else that which ``loader`` looks up."""
    return written if any(kernel.get(written) for kernel in kernels) else loader.target(written)


def describe(written: str, kernels: Sequence[Kernel], loader: Loader = LIBBPF) -> Description | None:
    """What to say about the function that ``loader`` finds for ``written``; ``None`` where no kernel has it."""
    name = looked_up(written, kernels, loader)
    found = newest(name, kernels)
    if found is None:
        return None
    kernel, function = found
    base = kernel.get(function.base or "")
    subject = base if base is not None and not function.callable else function
    return Description(
        name=name,
        written=written,
        kernel=kernel.name,
        klass=function.klass.words,
        callable=function.callable,
        advice=_advice(function),
        forms=tuple(_forms(function, base, kernel)),
        notes=tuple(_notes(subject)),
        flags=None if function.flags is None else tuple(decode(function.flags)),
        has_flags=function.callable or function.klass is FunctionClass.BROKEN,
        standings=tuple(_standings(name, function, kernels)) if len(kernels) > 1 else (),
    )


def newest(name: str, kernels: Iterable[Kernel]) -> tuple[Kernel, KernelFunction] | None:
    """The newest kernel whose index has exactly this name, and the function there."""
    having = [(kernel, function) for kernel in kernels if (function := kernel.get(name)) is not None]
    return max(having, key=lambda pair: age(pair[0]), default=None)


def is_superseded(function: KernelFunction, kernels: Iterable[Kernel]) -> bool:
    """Whether ``function`` is an older form, and every kernel can do with the newer one."""
    plain = function.name.removesuffix(_IMPL)
    return function.klass in (FunctionClass.LEGACY_IMPL, FunctionClass.PLAIN_IMPL) and all(
        (newer := kernel.get(plain)) is not None and newer.callable for kernel in kernels
    )


def age(kernel: Kernel) -> tuple[int, int]:
    """A key that grows with a kernel's release; kernels of unknown release come first."""
    return kernel.version or (0, 0)


def call_signature(function: KernelFunction, kernel: Kernel) -> Signature:
    """What a program writes to call ``function``; for a BTF-only ``_impl`` that is the function it belongs to."""
    base = kernel.get(function.base or "") if not function.callable else None
    subject = base or function
    return signature(subject.name, subject.prototype)


def _advice(function: KernelFunction) -> str:
    if function.klass is FunctionClass.BTF_ONLY_IMPL:
        return f"never call it; call `{function.base}`"
    if function.klass is FunctionClass.LEGACY_IMPL:
        return f"still callable; new programs call `{function.base}`"
    return ""


def _forms(function: KernelFunction, base: KernelFunction | None, kernel: Kernel) -> Iterable[Form]:
    if function.impl_prototype is not None:
        impl = signature(function.name + _IMPL, function.impl_prototype, len(function.implicit))
        yield Form(signature(function.name, function.prototype), "what you call")
        yield Form(impl, _purpose_of_impl(kernel.get(function.name + _IMPL)))
        return
    if base is None:
        yield Form(signature(function.name, function.prototype), "")
        return
    yield Form(signature(base.name, base.prototype), "call this")
    supplied = max(len(function.prototype.params) - len(base.prototype.params), 0)
    shown = 0 if function.callable else supplied
    yield Form(signature(function.name, function.prototype, shown), _purpose_of_impl(function))


def _purpose_of_impl(function: KernelFunction | None) -> str:
    if function is not None and function.klass is FunctionClass.LEGACY_IMPL:
        return "the older form, still callable"
    if function is not None and function.callable:
        return "callable too"
    return "in BTF only: never call"


def _notes(function: KernelFunction) -> Iterable[Note]:
    for param in function.prototype.params:
        words = annotation(param.name)
        if words:
            yield Note(param.name, words)


def _standings(name: str, lead: KernelFunction, kernels: Sequence[Kernel]) -> Iterable[OnKernels]:
    groups: dict[str, list[str]] = {}
    for kernel in kernels:
        groups.setdefault(_standing(name, lead, kernel), []).append(kernel.name)
    for words, names in groups.items():
        yield OnKernels(tuple(names), words)


def _standing(name: str, lead: KernelFunction, kernel: Kernel) -> str:
    function = kernel.get(name)
    if function is None:
        other = kernel.get(name.removesuffix(_IMPL) if name.endswith(_IMPL) else name + _IMPL)
        return f"absent; `{other.name}` is the kfunc there" if other and other.callable else "absent"
    text = prototype(name, function.prototype)
    if function.klass is lead.klass and text == prototype(name, lead.prototype):
        return "as above"
    if function.callable:
        return f"{function.klass.words}: `{text}`"
    return function.klass.words
