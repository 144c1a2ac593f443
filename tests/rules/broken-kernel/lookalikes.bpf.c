// The same on sound kernels, and a sound kfunc of the broken one.
// kernels: 6.18 7.0 7.2 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_strcmp(const char *a__ign, const char *b__ign) __ksym;

SEC("syscall")
int p(void *ctx)
{
	return bpf_strcmp("a", "b");
}
