// A section may be named by a macro.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define HOOK "xdp"

char LICENSE[] SEC("license") = "GPL";

extern u32 scx_bpf_cpuperf_cap(s32 cpu) __ksym;

SEC(HOOK)
int program(struct xdp_md *ctx)
{
	return scx_bpf_cpuperf_cap(0) > 3; // want error "is not allowed"
}

SEC("?" HOOK)
int optional(struct xdp_md *ctx)
{
	return scx_bpf_cpuperf_cap(0) > 3; // want error "is not allowed"
}
