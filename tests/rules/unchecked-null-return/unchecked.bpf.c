// What may be NULL is read or passed on without a test.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 cgid) __ksym;
extern struct cgroup *bpf_cgroup_ancestor(struct cgroup *cgrp, int level) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

int level;

SEC("tp_btf/task_newtask")
int BPF_PROG(reads, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);
	int pid = p->pid; // want warning "or_null_'"

	bpf_task_release(p);
	return pid;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(passes, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);

	bpf_task_release(p); // want warning "Possibly NULL pointer passed to trusted"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(passes_on_some_path, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task);

	if (flags & 1) {
		if (p)
			bpf_task_release(p);
		return 0;
	}
	bpf_task_release(p); // want warning "`bpf_task_release` is passed what may be NULL"
	return 0;
}

SEC("syscall")
int reads_the_second(void *ctx)
{
	struct cgroup *child, *parent;

	child = bpf_cgroup_from_id(1);
	if (!child)
		return 0;
	parent = bpf_cgroup_ancestor(child, 1);
	level = parent->level; // want warning "invalid mem access"
	bpf_cgroup_release(child);
	bpf_cgroup_release(parent);
	return 0;
}

static int helper(int pid)
{
	struct task_struct *p = bpf_task_from_pid(pid);

	level = p->pid; // want warning "no test stands between the call and here"
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(calls, struct task_struct *task, u64 flags)
{
	return helper(1);
}
