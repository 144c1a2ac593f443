// The program is right, the kernel's build is not.
// kernels: 7.0 7.2 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void scx_bpf_kick_cpu(s32 cpu, u64 flags) __ksym; // want error "is broken: it can be called in no form on 7.2"

SEC("syscall")
int p(void *ctx)
{
	scx_bpf_kick_cpu(0, 0);
	return 0;
}
