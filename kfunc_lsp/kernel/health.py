"""What is wrong with a kernel, or not known of it: causes in words, and what to do.

Judges the index alone. The broken and lost ones are the kernel build's doing, not a program's.
"""

from __future__ import annotations

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.model import FunctionClass, Kernel

ILL, NOTE = "ill", "note"


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing about a kernel: ``severity`` ``ill`` (the kernel is wrong) or ``note`` (it is as it is).

    ``title`` is a phrase without a verb, ``cause`` and ``advice`` are sentences; ``functions`` are those that it
    concerns, by name.
    """

    severity: str
    key: str
    title: str
    cause: str
    advice: str
    functions: tuple[str, ...] = ()


def examine(kernel: Kernel) -> list[Condition]:
    """Everything there is to say, what is wrong first; empty for a sound kernel of which all is known."""
    if not kernel.kfuncs_known:
        return [_UNTOLD]
    found = [*_broken(kernel), *_lost_tags(kernel), *_unknown(kernel)]
    fmodret = _names(kernel, FunctionClass.NOT_CALLABLE)
    if fmodret:
        found.append(
            Condition(
                NOTE,
                "not-callable",
                f"{_count(fmodret)} tagged but not callable",
                "They are registered for fmod_ret programs to attach to; calling them is not allowed.",
                "Nothing: do not call them.",
                fmodret,
            )
        )
    if kernel.shadowed:
        names = tuple(f"{f.name} ({f.module})" for f in kernel.shadowed)
        found.append(
            Condition(
                NOTE,
                "shadowed",
                f"{_count(names)} of modules out of reach",
                "libbpf finds the function of the same name in vmlinux, or in a module before.",
                "Nothing: programs get the other one.",
                names,
            )
        )
    return found


def summary(kernel: Kernel) -> str:
    """One line: ``sound``, or what is wrong."""
    ills = [condition.title for condition in examine(kernel) if condition.severity == ILL]
    return "; ".join(ills) if ills else "sound"


_UNTOLD = Condition(
    ILL,
    "kfuncs-untold",
    "kfuncs not told from other functions",
    "The BTF has no decl tags bpf_kfunc (pahole before 1.26 makes none, nor do kernels before 6.9), and there is no "
    ".BTF_ids with kfunc sets.",
    "If this is BTF alone, give the kernel's vmlinuz or vmlinux; else a bundled kernel by name.",
)


_ADVICE = (
    "An x86-64 or arm64 kernel's vmlinuz tells its own, and so does a pack made of it; other machines' images do not."
)


def _broken(kernel: Kernel) -> list[Condition]:
    names = _names(kernel, FunctionClass.BROKEN)
    if not names:
        return []
    return [
        Condition(
            ILL,
            "broken-implicit",
            f"{_count(names)} callable in no form",
            "Their BTF still shows the arguments that the verifier is to supply, and there is no _impl: the build lost "
            "their kfunc tags (pahole 1.30 and older take `foo` and `foo.cold` for one), and so resolve_btfids passed "
            "over them.",
            "Use a build of this kernel made with pahole 1.31 or newer, or Linux 7.3 or newer, which does not need the "
            "tags. No change to a program helps.",
            names,
        )
    ]


def _lost_tags(kernel: Kernel) -> list[Condition]:
    if not any(f.tagged for f in kernel.functions.values()):
        return []
    names = tuple(
        f.name
        for f in kernel.kfuncs()
        if not f.tagged and f.flags is not None and f.klass != FunctionClass.BROKEN and f.module is None
    )
    if not names:
        return []
    return [
        Condition(
            ILL,
            "lost-tags",
            f"{_count(names)} without a decl tag",
            "The build lost the tag bpf_kfunc (pahole 1.30 and older take `foo` and `foo.cold` for one function).",
            "They can be called all the same; but a vmlinux.h made from this kernel has no prototypes of them, so "
            "declare them yourself.",
            names,
        )
    ]


def _unknown(kernel: Kernel) -> list[Condition]:
    found = []
    if not kernel.flags_known:
        found.append(
            Condition(
                NOTE,
                "flags-unknown",
                "flags not known",
                "BTF alone does not have them; they are in .BTF_ids.",
                "Give the kernel's vmlinuz or vmlinux, or a pack made of it.",
            )
        )
    if kernel.hooks_of:
        found.append(
            Condition(
                NOTE,
                "program-types-borrowed",
                f"program types as in {kernel.hooks_of}",
                "This source does not tell them; they are those of the nearest bundled kernel.",
                _ADVICE,
            )
        )
    unknown = tuple(f.name for f in kernel.kfuncs() if f.hooks is None and f.callable)
    if unknown:
        found.append(
            Condition(
                NOTE,
                "program-types-unknown",
                f"program types of {_count(unknown)} not known",
                "The source does not tell who may call them.",
                _ADVICE,
                unknown,
            )
        )
    return found


def _names(kernel: Kernel, klass: FunctionClass) -> tuple[str, ...]:
    return tuple(f.name for f in kernel.kfuncs() if f.klass == klass)


def _count(names: tuple[str, ...]) -> str:
    return f"{len(names)} kfunc{'s' if len(names) != 1 else ''}"
