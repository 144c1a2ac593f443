// Renamed without a change to its parameters: the new name is enough.
// kernels: 6.18 7.0
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern bool scx_bpf_consume(u64 dsq_id) __ksym; // want error "not found"

SEC("struct_ops/dispatch")
void dispatch(unsigned long long *ctx)
{
	scx_bpf_consume(1);
	if (scx_bpf_consume(2))
		return;
}

SEC(".struct_ops.link")
struct sched_ext_ops ops = { .dispatch = (void *)dispatch, .name = "fixture" };
