// Sections that are not left, or not entered.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

SEC("syscall")
int rcu(void *ctx)
{
	bpf_rcu_read_lock(); // want warning "bpf_rcu_read_unlock is missing"
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(rcu_on_a_path, struct task_struct *task, u64 flags)
{
	bpf_rcu_read_lock(); // want warning "on some path"
	if (flags & 1)
		return 1;
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int rcu_end(void *ctx)
{
	bpf_rcu_read_unlock(); // want warning "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)"
	return 0;
}

SEC("syscall")
int preempt_twice(void *ctx)
{
	bpf_preempt_disable(); // want warning "2 bpf_preempt_enable(s) are missing"
	bpf_preempt_disable();
	return 0;
}

SEC("syscall")
int preempt_end(void *ctx)
{
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_preempt_enable(); // want warning "unmatched attempt to enable preemption"
	return 0;
}
