// Released on every path, or passed on to where it is not followed.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

int count;

SEC("tp_btf/task_newtask")
int BPF_PROG(both_sides, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task);

	if (!p)
		return 0;
	if (flags & 1) {
		bpf_task_release(p);
		return 0;
	}
	count++;
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(when_there, struct task_struct *task, u64 flags)
{
	struct task_struct *p = NULL;
	int error = 1;

	if (flags & 1) {
		p = bpf_task_from_pid(1);
		error = 0;
	}
	if (error)
		return 0;
	if (p)
		bpf_task_release(p);
	return 0;
}

static void put(struct task_struct *p)
{
	if (p)
		bpf_task_release(p);
}

static struct task_struct *get(int pid)
{
	return bpf_task_from_pid(pid);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(by_functions, struct task_struct *task, u64 flags)
{
	struct task_struct *p = get(1);

	put(p);
	return 0;
}

static void put_at(struct task_struct **p)
{
	if (*p)
		bpf_task_release(*p);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(by_cleanup, struct task_struct *task, u64 flags)
{
	struct task_struct *p __attribute__((cleanup(put_at))) = bpf_task_from_pid(1);

	if (p)
		count++;
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(in_a_loop, struct task_struct *task, u64 flags)
{
	for (int i = 0; i < 3; i++) {
		struct task_struct *p = bpf_task_from_pid(i);

		if (!p)
			break;
		bpf_task_release(p);
	}
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(in_the_last_round, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	for (int i = 0; i < 4; i++) {
		if (i == 3)
			bpf_task_release(p);
	}
	return 0;
}

static __attribute__((unused)) int never_called(void)
{
	return bpf_task_from_pid(1) ? 1 : 0;
}

// What stands behind an include in a function is not known.
SEC("syscall")
int goes_on_behind_an_include(void *ctx)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
#include <bpf/bpf_tracing.h>
	bpf_task_release(p);
	return 0;
}
