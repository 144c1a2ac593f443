// Too many.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("tp_btf/task_newtask")
int p(u64 *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1, 2); // want error "too many arguments to function call, expected single argument 'pid', have 2 arguments"

	if (task)
		bpf_task_release(task);
	bpf_rcu_read_lock(0); // want error "too many arguments to function call, expected 0, have 1"
	bpf_rcu_read_unlock();
	return 0;
}
