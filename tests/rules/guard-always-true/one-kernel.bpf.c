// One kernel alone says nothing: guards are for the others.
// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t = NULL;

	if (bpf_ksym_exists(bpf_task_from_pid))
		t = bpf_task_from_pid(1);
	if (t)
		bpf_task_release(t);
	return 0;
}
