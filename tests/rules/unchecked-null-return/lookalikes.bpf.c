// Tests of every shape; what is not read; what is not followed.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

int pid;

SEC("tp_btf/task_newtask")
int BPF_PROG(early_return, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	pid = p->pid;
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(in_a_condition, struct task_struct *task, u64 flags)
{
	struct task_struct *p;

	if ((p = bpf_task_from_pid(1)) && p->pid == 3)
		pid = 3;
	if (p)
		bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(by_a_flag, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);
	bool found = p != NULL;

	pid = p ? p->pid : 0;
	if (!found)
		return 0;
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(by_goto, struct task_struct *task, u64 flags)
{
	struct task_struct *p, *q;

	p = bpf_task_acquire(task);
	if (NULL == p)
		goto out;
	q = bpf_task_acquire(p);
	if (!q)
		goto put;
	pid = q->pid;
	bpf_task_release(q);
put:
	bpf_task_release(p);
out:
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(unused, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);
	int unused = p->pid;

	if (p)
		bpf_task_release(p);
	return 0;
}

static int is_there(struct task_struct *p)
{
	return p ? 1 : 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(elsewhere, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!is_there(p))
		return 0;
	bpf_task_release(p);
	return 0;
}
