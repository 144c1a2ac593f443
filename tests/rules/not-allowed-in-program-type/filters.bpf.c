// Filters look at more than the program's type; that of sched_ext came with 7.1.
// kernels: 6.18 7.0 7.1 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void scx_bpf_dsq_insert(struct task_struct *p, u64 dsq_id, u64 slice, u64 enq_flags) __ksym;

SEC("struct_ops/stopping")
void stopping(u64 *ctx)
{
	scx_bpf_dsq_insert((void *)ctx[0], 1, 0, 0); // want error "is not allowed in sched_ext_ops.stopping programs on 7.1, 7.3"
}

SEC("struct_ops/enqueue")
void enqueue(u64 *ctx)
{
	scx_bpf_dsq_insert((void *)ctx[0], 1, 0, 0);
}

SEC(".struct_ops.link")
struct sched_ext_ops ops = { .stopping = (void *)stopping, .enqueue = (void *)enqueue, .name = "fixture" };
