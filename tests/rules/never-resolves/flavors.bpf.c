// Of several flavors one is meant to fit: the rest deserves a hint.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid___new(s32 pid) __weak __ksym;
extern struct task_struct *bpf_task_from_pid___old(void *ns, s32 pid) __weak __ksym; // want hint "2 parameters, the kernel has 1 parameter"
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t = NULL;

	if (bpf_ksym_exists(bpf_task_from_pid___new))
		t = bpf_task_from_pid___new(1);
	else if (bpf_ksym_exists(bpf_task_from_pid___old))
		t = bpf_task_from_pid___old(NULL, 1);
	if (t)
		bpf_task_release(t);
	return 0;
}
