// Sections that are left on every path, some of them by functions.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

int count;

SEC("syscall")
int nested(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_preempt_disable();
	bpf_rcu_read_lock();
	count++;
	bpf_rcu_read_unlock();
	bpf_preempt_enable();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(by_goto, struct task_struct *task, u64 flags)
{
	int answer = 0;

	bpf_rcu_read_lock();
	if (flags & 1) {
		answer = 1;
		goto out;
	}
	count++;
out:
	bpf_rcu_read_unlock();
	return answer;
}

static __attribute__((noinline)) void enter(void)
{
	bpf_rcu_read_lock();
}

static __attribute__((noinline)) void leave(void)
{
	bpf_rcu_read_unlock();
}

SEC("syscall")
int by_functions(void *ctx)
{
	enter();
	count++;
	leave();
	return 0;
}
