// References that are still held where a path ends.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct cgroup *bpf_cgroup_from_id(u64 cgid) __ksym;
extern void bpf_cgroup_release(struct cgroup *cgrp) __ksym;

int count;

SEC("tp_btf/task_newtask")
int BPF_PROG(never, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task); // want warning "Unreleased reference"

	if (p)
		count++;
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_one_path, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task); // want warning "not released on every path"

	if (!p)
		return 0;
	if (flags & 1)
		return 0;
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(where_another_fails, struct task_struct *task, u64 flags)
{
	struct task_struct *p;
	struct cgroup *cgroup;

	p = bpf_task_from_pid(1); // want warning "`bpf_task_from_pid` gives"
	if (!p)
		return 0;
	cgroup = bpf_cgroup_from_id(1);
	if (!cgroup)
		return 0;
	bpf_cgroup_release(cgroup);
	bpf_task_release(p);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(in_a_loop, struct task_struct *task, u64 flags)
{
	for (int i = 0; i < 3; i++) {
		struct task_struct *p = bpf_task_from_pid(i); // want warning "Unreleased reference"

		if (!p)
			continue;
		count++;
	}
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(in_a_switch, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task); // want warning "Unreleased reference"

	if (!p)
		return 0;
	switch (flags) {
	case 1:
		return 0;
	default:
		count++;
	}
	bpf_task_release(p);
	return 0;
}

static int callback(u32 index, void *data)
{
	bpf_task_from_pid(index); // want warning "Unreleased reference"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(calls_back, struct task_struct *task, u64 flags)
{
	bpf_loop(3, callback, NULL, 0);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(behind_a_barrier, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_acquire(task); // want warning "Unreleased reference"

	asm volatile("" : "+r"(p));
	return 0;
}
