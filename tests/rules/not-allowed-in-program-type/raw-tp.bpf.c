// Raw tracepoints may call what tracing programs may, since 7.0.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("raw_tp/task_newtask")
int p(u64 *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1); // want error "is not allowed in raw_tp programs on 6.12, 6.18"

	if (task)
		bpf_task_release(task); // want error "on 6.12, 6.18"
	return 0;
}
