// The same twice, in other words.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

typedef struct task_struct *task;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern task bpf_task_from_pid(const int number) __weak __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
void bpf_task_release(task);

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		bpf_task_release(t);
	return 0;
}
