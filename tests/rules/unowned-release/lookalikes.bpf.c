// Each reference is released once.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tp_btf/task_newtask")
int BPF_PROG(an_argument_that_was_set, struct task_struct *task, u64 flags)
{
	task = bpf_task_acquire(task);
	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(once_in_each_round, struct task_struct *task, u64 flags)
{
	struct task_struct *p;

	for (int i = 0; i < 3; i++) {
		p = bpf_task_acquire(task);
		if (p)
			bpf_task_release(p);
	}
	return 0;
}

static void put(struct task_struct *p)
{
	bpf_task_release(p);
}

SEC("tp_btf/task_newtask")
int BPF_PROG(a_parameter, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task);

	if (p)
		put(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(read_before, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task);
	int pid;

	if (!p)
		return 0;
	pid = p->pid;
	bpf_task_release(p);
	return pid;
}
