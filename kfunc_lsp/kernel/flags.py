"""The KF_* flags: numbers, names and what each asks of a program, in words.

One table serves every release: a bit has never changed its meaning in one, and retired bits were not given a
new one.
"""

from __future__ import annotations

from kfunc_lsp.dataclass import dataclass

KF_ACQUIRE = 1 << 0
KF_RELEASE = 1 << 1
KF_RET_NULL = 1 << 2
KF_TRUSTED_ARGS = 1 << 4
KF_SLEEPABLE = 1 << 5
KF_DESTRUCTIVE = 1 << 6
KF_RCU = 1 << 7
KF_ITER_NEW = 1 << 8
KF_ITER_NEXT = 1 << 9
KF_ITER_DESTROY = 1 << 10
KF_RCU_PROTECTED = 1 << 11
KF_FASTCALL = 1 << 12
KF_ARENA_RET = 1 << 13
KF_ARENA_ARG1 = 1 << 14
KF_ARENA_ARG2 = 1 << 15
KF_IMPLICIT_ARGS = 1 << 16
KF_SPINLOCK_SAFE = 1 << 17
KF_PERFMON = 1 << 18


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag: its bit's value, the kernel's name for it, and what it means to the caller."""

    value: int
    name: str
    meaning: str


FLAGS: tuple[Flag, ...] = (
    Flag(KF_ACQUIRE, "KF_ACQUIRE", "returns a reference that the program must release"),
    Flag(KF_RELEASE, "KF_RELEASE", "releases the reference that it is given"),
    Flag(KF_RET_NULL, "KF_RET_NULL", "may return NULL; check before use"),
    Flag(1 << 3, "KF_KPTR_GET", "takes a reference out of a map's kptr (until 6.3)"),
    Flag(KF_TRUSTED_ARGS, "KF_TRUSTED_ARGS", "pointer arguments must be trusted (the default from 7.0)"),
    Flag(KF_SLEEPABLE, "KF_SLEEPABLE", "may sleep; callable from sleepable programs only"),
    Flag(KF_DESTRUCTIVE, "KF_DESTRUCTIVE", "may bring the system down; needs CAP_SYS_BOOT"),
    Flag(KF_RCU, "KF_RCU", "pointer arguments may be RCU-protected instead of trusted"),
    Flag(KF_ITER_NEW, "KF_ITER_NEW", "creates an iterator"),
    Flag(KF_ITER_NEXT, "KF_ITER_NEXT", "advances an iterator; NULL ends it"),
    Flag(KF_ITER_DESTROY, "KF_ITER_DESTROY", "destroys an iterator"),
    Flag(KF_RCU_PROTECTED, "KF_RCU_PROTECTED", "must be called inside an RCU read-side section"),
    Flag(KF_FASTCALL, "KF_FASTCALL", "keeps the caller's registers"),
    Flag(KF_ARENA_RET, "KF_ARENA_RET", "returns an arena pointer"),
    Flag(KF_ARENA_ARG1, "KF_ARENA_ARG1", "the first argument is an arena pointer"),
    Flag(KF_ARENA_ARG2, "KF_ARENA_ARG2", "the second argument is an arena pointer"),
    Flag(KF_IMPLICIT_ARGS, "KF_IMPLICIT_ARGS", "the verifier supplies the last arguments"),
    Flag(KF_SPINLOCK_SAFE, "KF_SPINLOCK_SAFE", "may be called while a bpf_spin_lock is held"),
    Flag(KF_PERFMON, "KF_PERFMON", "needs CAP_PERFMON"),
)


def decode(flags: int) -> list[Flag]:
    """The flags set in ``flags``, by bit; a bit that has no name yet is named by its number."""
    known = [flag for flag in FLAGS if flags & flag.value]
    rest = flags & ~sum(flag.value for flag in FLAGS)
    unknown = [Flag(1 << bit, f"bit {bit}", "not known to this version") for bit in range(32) if rest >> bit & 1]
    return known + unknown
