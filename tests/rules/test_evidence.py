"""While a person types, findings are those of a check that remembers nothing of the state before."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from kfunc_lsp import rules
from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import resolve
from kfunc_lsp.rules.evidence import Memory
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Rule, Violation
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.flags import Flags
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import SourceFile
from tests import programs

TYPED = (
    *(
        ";",
        ")",
        "}",
        '"',
        "{",
        "/*",
        "//",
        "\n",
        "#if 0\n",
        "#endif\n",
        "#define bpf_task_release(x)\n",
        "x = f(",
        "p->",
    ),
    *("bpf_", "static ", "__weak ", "__ksym ", "const ", "NULL", "0", "&", "return 0;\n", "if (!bpf_task_release) "),
    *("bpf_rcu_read_lock();\n", "bpf_rcu_read_unlock();\n", "bpf_task_from_pid(1);\n", "helper(0);\n", "void *extra, "),
    *('SEC("?tc")\n', 'SEC("syscall")\n', "struct task_struct;\n", 'char _license[] SEC("license") = "GPL";\n'),
)


def edited(text: str, generator: random.Random) -> str:
    """``text`` after one edit: of what a verdict elsewhere rests on where there is such, or of anything."""
    changes = [pair for old, new, _ in CHANGES.values() for pair in ((old, new), (new, old)) if pair[0] in text]
    changes = [(old, new) for old, new in changes if old and (old not in new or new not in text)]
    if changes and generator.random() < 0.7:
        old, new = generator.choice(changes)
        return text.replace(old, new, 1)
    at = generator.randrange(len(text))
    if generator.random() < 0.5:  # where statements and declarations begin
        at = text.rfind("\n", 0, at) + 1
    return text[:at] + generator.choice(TYPED) + text[at + generator.choice((0, 0, 0, 1, 8)) :]


def agree(file: SourceFile, cache: HeaderCache, flags: Flags, kernels: list[Kernel], edits: int, seed: object) -> None:
    """Type at random, take some of it back, and compare what is found in each state."""
    generator = random.Random(str(seed))
    known = known_names(kernels)
    memory = Memory()
    states = [file.text]
    for _ in range(edits):
        text = states.pop() if len(states) > 1 and generator.random() < 0.4 else edited(states[-1], generator)
        states.append(text)
        unit = read_unit(SourceFile(file.path, text), cache, flags, known)
        assert check(unit, kernels, memory=memory) == check(unit, kernels), text


PROGRAM = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define OLD 0

typedef u64 cgroup_number;

char LICENSE[] SEC("license") = "GPL";

extern int bpf_nope(int x) __weak __ksym;
extern int bpf_nope_either(int x) __weak __ksym;
extern int bpf_nope_static(int x) __ksym;
extern int bpf_nope_by_pragma(int x) __ksym;
extern struct task_struct *bpf_task_acquire(void *p) __weak __ksym;
extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k) __ksym;
extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(cgroup_number cgid) __ksym;
extern void bpf_cgroup_release(void *c) __weak __ksym;

static const u32 id = 1;

static int unused;
#pragma weak bpf_nope_by_pragma

static int when_called(int x)
{
	return bpf_nope(x);
}

static int by_program(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr;

	return bpf_dynptr_from_xdp(ctx, 0, &ptr);
}

static int never_called(void)
{
	return bpf_nope_static(1);
}

static void leaves(void)
{
	bpf_rcu_read_unlock();
}

static void insert(struct task_struct *p)
{
	scx_bpf_dsq_insert(p, 1, 0, 0);
}

SEC("xdp")
int program(struct xdp_md *ctx)
{
	if (bpf_ksym_exists(bpf_nope))
		bpf_nope(1);
	if (bpf_ksym_exists(bpf_task_acquire))
		bpf_nope_either(1);
	if (&bpf_nope_by_pragma)
		bpf_nope_by_pragma(OLD);
	return bpf_ksym_exists(bpf_nope) ? when_called(2) : 0;
}

SEC("xdp")
int casts(struct xdp_md *ctx)
{
	return bpf_rdonly_cast(ctx, id) != 0;
}

SEC("?xdp")
int calls(struct xdp_md *ctx)
{
	return by_program(ctx);
}

SEC("syscall")
int section(void *ctx)
{
	char text[16];

	bpf_rcu_read_lock();
	leaves();
	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0);
	return 0;
}

SEC("syscall")
int undefined(void *ctx)
{
	char text[16];

	bpf_rcu_read_lock();
	may_leave();
	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0);
	return 0;
}

SEC("syscall")
int reference(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall")
int held(void *ctx)
{
	struct cgroup *cgroup = bpf_cgroup_from_id(1);

	if (!cgroup)
		return 0;
	bpf_cgroup_release(cgroup);
	bpf_cgroup_release(cgroup);
	return 0;
}

SEC("struct_ops/enqueue")
void enqueue(u64 *ctx)
{
	insert((void *)ctx[0]);
}

SEC(".struct_ops.link")
struct sched_ext_ops ops = { .enqueue = (void *)enqueue, .name = "fixture" };
"""
CHANGES = {
    "the condition over a call of the function": (
        "? when_called(2) : 0",
        "? 0 : when_called(2)",
        "unguarded-weak-call",
    ),
    "its own condition": ("if (bpf_ksym_exists(bpf_nope))", "if (!bpf_ksym_exists(bpf_nope))", "unguarded-weak-call"),
    "the prototype of what a condition asks for": (
        "bpf_task_acquire(void *p)",
        "bpf_task_acquire(struct task_struct *p)",
        "unguarded-weak-call",
    ),
    "the section of a caller": ('SEC("?xdp")', 'SEC("?tc")', "not-allowed-in-program-type"),
    "what a map uses the function for": (".enqueue =", ".stopping =", "not-allowed-in-program-type"),
    "who may call it": ("static int never_called", "int never_called", "missing-kfunc"),
    "what a variable holds": ("static const u32 id", "u32 id", "constant-required"),
    "what a callee does": ("\tbpf_rcu_read_unlock();\n", "", "sleepable-in-critical-section"),
    "whether a callee is defined": (
        "static int unused;",
        "static int unused;\n\nstatic void may_leave(void)\n{\n}\n",
        "sleepable-in-critical-section",
    ),
    "its steps": ("if (task)", "if (!task)\n\t\treturn 0;\n\tif (bpf_get_prandom_u32())", "unreleased-reference"),
    "how it is declared": (
        "bpf_task_from_pid(s32 pid)",
        "bpf_task_from_pid(s32 pid, int more)",
        "incompatible-prototype",
    ),
    "how what its steps call is declared": (
        "bpf_cgroup_release(void *c)",
        "bpf_cgroup_release(struct cgroup *c)",
        "unowned-release",
    ),
    "a type that its declaration names": ("typedef u64", "typedef struct cgroup *", "incompatible-prototype"),
    "what a pragma says of it": ("#pragma weak bpf_nope_by_pragma\n", "", "missing-kfunc"),
    "what a macro means": ("#define OLD 0", "#define OLD 0, 0", "wrong-argument-count"),
    "whether it is weak": ("bpf_nope_either(int x) __weak", "bpf_nope_either(int x)", "missing-kfunc"),
}


@pytest.mark.parametrize("seed", range(4))
def test_findings_are_those_of_a_check_without_a_memory(seed: int) -> None:
    file = programs.source("/p/main.bpf.c", PROGRAM)
    agree(file, HeaderCache(programs.Memory()), programs.FLAGS, [resolve("6.12"), resolve("7.3")], 25, seed)


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_change_elsewhere_makes_wrong_is_found(change: str) -> None:
    old, new, rule = CHANGES[change]
    assert PROGRAM.count(old) == 1
    kernels = [resolve("7.3")]
    known = known_names(kernels)
    cache, memory = HeaderCache(programs.Memory()), Memory()

    def found(text: str) -> set[str]:
        unit = read_unit(programs.source("/p/main.bpf.c", text), cache, programs.FLAGS, known)
        return {finding.rule.name for finding in check(unit, kernels, memory=memory)}

    before = found(PROGRAM)
    assert rule not in before
    assert rule in found(PROGRAM.replace(old, new))
    assert found(PROGRAM) == before


def test_a_type_of_a_header_that_changes_counts() -> None:
    files, memory = programs.Memory(), Memory()
    cache = HeaderCache(files)
    kernels = [resolve("7.3")]
    main = programs.source("/p/main.bpf.c", PROGRAM.replace("typedef u64 cgroup_number;", '#include "number.h"'))
    wrong = []
    for number in ("u64 ", "struct cgroup *", "u64 "):
        files.files["/p/number.h"] = programs.source("/p/number.h", f"typedef {number}cgroup_number;")
        unit = read_unit(main, cache, programs.FLAGS, known_names(kernels))
        found = check(unit, kernels, memory=memory)
        wrong.append("incompatible-prototype" in {finding.rule.name for finding in found})
    assert wrong == [False, True, False]


def test_what_was_right_on_other_kernels_is_judged_again() -> None:
    unit = programs.unit(PROGRAM, known_names([resolve("7.3")]))
    memory = Memory()
    wrong = [len(check(unit, [resolve(release)], memory=memory)) for release in ("7.3", "6.12", "7.3")]
    assert wrong[0] == wrong[2] < wrong[1]


def test_a_name_that_could_not_be_judged_is_not_right(monkeypatch: pytest.MonkeyPatch) -> None:
    text = PROGRAM.replace("static int never_called", "int never_called")
    unit = programs.unit(text, known_names([resolve("7.3")]))
    memory = Memory()

    def fails(load: Load, name: str) -> Iterator[Violation]:
        raise RecursionError

    with monkeypatch.context() as patch:
        patch.setattr(rules, "ALL", (Rule("fails", "", fails),))
        with pytest.raises(RecursionError):
            check(unit, [resolve("7.3")], memory=memory)
    found = {finding.rule.name for finding in check(unit, [resolve("7.3")], memory=memory)}
    assert "missing-kfunc" in found
