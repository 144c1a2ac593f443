// Two declarations that contradict each other: clang refuses the second.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void *bpf_task_from_pid(s32 pid) __ksym; // want error "conflicting types for 'bpf_task_from_pid'"
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p, int flags) __ksym; // want error "conflicting types for 'bpf_task_release'"

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	return 0;
}
