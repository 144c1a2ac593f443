// Absent, or fitting, or unused: another matter.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __weak __ksym;
extern void *bpf_task_acquire(void) __weak __ksym;
extern void *bpf_nope_kfunc(void) __weak __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t;

	if (bpf_ksym_exists(bpf_nope_kfunc))
		bpf_nope_kfunc();
	if (!bpf_ksym_exists(bpf_task_from_pid) || !bpf_ksym_exists(bpf_task_release))
		return 0;
	t = bpf_task_from_pid(1);
	if (t)
		bpf_task_release(t);
	return 0;
}
