// Guarded, and dead on each kernel for another reason: no fallback for a kernel where it is alive.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern u32 scx_bpf_reenqueue_local(const struct bpf_prog_aux *aux) __weak __ksym; // want warning "on 6.18"

SEC("struct_ops/dispatch")
void dispatch(u64 *ctx)
{
	if (bpf_ksym_exists(scx_bpf_reenqueue_local))
		scx_bpf_reenqueue_local(0);
}

SEC(".struct_ops.link")
struct sched_ext_ops ops = { .dispatch = (void *)dispatch, .name = "fixture" };
