// Outside an RCU section, in programs that may sleep.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("syscall")
int outside(void *ctx)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, NULL, 0); // want warning "bpf_iter_task_new requires RCU critical section protection"
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}

SEC("syscall")
int behind(void *ctx)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	bpf_iter_task_new(&it, NULL, 0); // want warning "expected an RCU CS when using bpf_iter_task_next"
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}
