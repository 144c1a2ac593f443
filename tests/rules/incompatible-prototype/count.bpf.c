// Parameters are counted; the call would have to change too, so there is no fix.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid, int more) __ksym; // want error "2 parameters, the kernel has 1 parameter"
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	bpf_task_release(bpf_task_from_pid(1, 2));
	return 0;
}
