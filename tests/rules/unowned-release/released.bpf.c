// Releases of what is not held.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct bpf_cpumask *bpf_cpumask_create(void) __ksym;
extern void bpf_cpumask_release(struct bpf_cpumask *cpumask) __ksym;
extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __ksym;

u64 kept;

SEC("tp_btf/task_newtask")
int BPF_PROG(argument, struct task_struct *task, u64 flags)
{
	bpf_task_release(task); // want warning "expects ref"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(no_object_of_its_own, struct task_struct *task, u64 flags)
{
	bpf_obj_drop_impl(task, NULL); // want warning "releases an argument of the program"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(twice, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	bpf_task_release(p);
	bpf_task_release(p); // want warning "releases what was released before"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(mask_twice, struct task_struct *task, u64 flags)
{
	struct bpf_cpumask *mask = bpf_cpumask_create();

	if (!mask)
		return 0;
	if (flags & 1)
		bpf_cpumask_release(mask);
	bpf_cpumask_release(mask); // want warning "R1"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(read_behind, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);

	if (!p)
		return 0;
	bpf_task_release(p);
	return p->pid; // want warning "invalid mem access 'scalar'"
}

SEC("tp_btf/task_newtask")
int BPF_PROG(read_and_kept, struct task_struct *task, u64 flags)
{
	struct task_struct *p = bpf_task_from_pid(1);
	int pid;

	if (!p)
		return 0;
	bpf_task_release(p);
	pid = p->pid; // want warning "invalid mem access 'scalar'"
	kept = (u64)p;
	if (bpf_get_prandom_u32())
		return 1;
	return pid;
}
