// Inside a section, or in a program that is one as a whole.
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

static void each_task(void)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, NULL, 0);
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
}

SEC("syscall")
int inside(void *ctx)
{
	bpf_rcu_read_lock();
	each_task();
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(awake, struct task_struct *task, u64 flags)
{
	struct bpf_iter_task it;

	bpf_iter_task_new(&it, NULL, 0);
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	return 0;
}
