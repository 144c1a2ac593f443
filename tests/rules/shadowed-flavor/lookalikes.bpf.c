// Flavors of one's own, with or without one of the kernel's before.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern bool scx_bpf_dsq_insert___v2___compat(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __weak __ksym;
extern void scx_bpf_dsq_insert___v1(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __weak __ksym;

SEC("struct_ops/enqueue")
void enqueue(unsigned long long *ctx)
{
	if (bpf_ksym_exists(scx_bpf_dsq_insert___v2___compat))
		scx_bpf_dsq_insert___v2___compat((struct task_struct *)ctx[0], 1, 2, 0);
	else if (bpf_ksym_exists(scx_bpf_dsq_insert___v1))
		scx_bpf_dsq_insert___v1((struct task_struct *)ctx[0], 1, 2, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops ops = { .enqueue = (void *)enqueue, .name = "fixture" };
