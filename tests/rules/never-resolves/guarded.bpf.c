// Weak and incompatible is silent: the guard is never true, and nobody is told.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void *bpf_task_from_pid(s32 pid) __weak __ksym; // want warning "a guard on it is never true"
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t;

	if (bpf_ksym_exists(bpf_task_from_pid)) {
		t = bpf_task_from_pid(1);
		if (t)
			bpf_task_release(t);
	}
	return 0;
}
