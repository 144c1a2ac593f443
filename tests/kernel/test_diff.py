"""What changed between two kernels, and what is no change."""

from __future__ import annotations

from kfunc_lsp.dataclass import replace
from kfunc_lsp.kernel.diff import ADDED, CLASS, FLAGS, MODULE, PROGRAM_TYPES, PROTOTYPE, REMOVED, diff, uncompared
from kfunc_lsp.kernel.model import Hook, Kernel
from tests.btfbuilder import VOID, BtfBuilder


def changes(old: Kernel, new: Kernel) -> dict[tuple[str, str], tuple[str, str]]:
    return {(change.name, change.what): (change.before, change.after) for change in diff(old, new)}


def hooked(kernel: Kernel, *hooks: str) -> Kernel:
    found = tuple(Hook(name, 0, False, False, (f"BPF_PROG_TYPE_{name}",)) for name in hooks)
    return replace(kernel, functions={n: replace(f, hooks=found) for n, f in kernel.functions.items()})


def test_every_kind_of_change() -> None:
    old, new = BtfBuilder(), BtfBuilder()
    old.kfunc("bpf_gone")
    new.kfunc("bpf_new")
    old.kfunc("bpf_longer", VOID, [("x", old.integer())])
    new.kfunc("bpf_longer", VOID, [("x", new.integer()), ("y", new.integer())], flags=0x20)
    old.kfunc("bpf_wq", VOID, [("x", old.integer())])
    new.implicit_kfunc("bpf_wq", VOID, [("x", new.integer())])
    found = changes(hooked(old.kernel(), "XDP"), hooked(new.kernel(), "XDP", "LSM"))
    assert found.pop(("bpf_wq", FLAGS)) == ("none", "KF_IMPLICIT_ARGS")
    assert found == {
        ("bpf_gone", REMOVED): ("void bpf_gone(void);", ""),
        ("bpf_new", ADDED): ("", "void bpf_new(void);"),
        ("bpf_longer", PROTOTYPE): ("void bpf_longer(int x);", "void bpf_longer(int x, int y);"),
        ("bpf_longer", FLAGS): ("none", "KF_SLEEPABLE"),
        ("bpf_longer", PROGRAM_TYPES): ("XDP", "XDP, LSM"),
        ("bpf_wq", CLASS): ("kfunc", "kfunc with implicit arguments"),
        ("bpf_wq", PROGRAM_TYPES): ("XDP", "XDP, LSM"),
    }


def test_moved_to_a_module() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_a")
    old = b.kernel()
    new = replace(old, functions={n: replace(f, module="nf") for n, f in old.functions.items()})
    assert changes(old, new) == {("bpf_a", MODULE): ("vmlinux", "nf")}


def test_attributes_are_no_change() -> None:
    old, new = BtfBuilder(), BtfBuilder()
    old.kfunc("bpf_arena", old.ptr(), [("x", old.ptr())])
    arena = new.ptr(new.type_tag("address_space(1)", VOID, is_attribute=True))
    new.kfunc("bpf_arena", arena, [("x", arena)])
    assert changes(old.kernel(), new.kernel()) == {}


def test_what_one_does_not_tell_or_takes_from_another_is_not_compared() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_a", flags=0x20)
    whole, types = hooked(b.kernel(), "XDP"), b.kernel("bare", flags_known=False)
    assert changes(whole, types) == {}
    assert uncompared(whole, types) == [(FLAGS, "bare does not tell them"), (PROGRAM_TYPES, "bare does not tell them")]
    borrowed = replace(hooked(b.kernel("b"), "LSM"), hooks_of="7.3.4")
    assert changes(whole, borrowed) == {}
    assert uncompared(whole, borrowed) == [(PROGRAM_TYPES, "those of b are taken from 7.3.4")]
    assert uncompared(whole, whole) == []
