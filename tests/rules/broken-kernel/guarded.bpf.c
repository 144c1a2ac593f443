// Weak and guarded, the program loads without it: a hint, as other kernels have it.
// kernels: 7.0 7.2 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void scx_bpf_kick_cpu(s32 cpu, u64 flags) __weak __ksym; // want hint "guarded code is dead"

SEC("syscall")
int p(void *ctx)
{
	if (bpf_ksym_exists(scx_bpf_kick_cpu))
		scx_bpf_kick_cpu(0, 0);
	return 0;
}
