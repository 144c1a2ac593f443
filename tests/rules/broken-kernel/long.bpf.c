// With the argument that the BTF shows: libbpf finds it, the kernel does not.
// kernels: 7.2
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void scx_bpf_kick_cpu(s32 cpu, u64 flags, const struct bpf_prog_aux *aux) __ksym; // want error "cannot find function scx_bpf_kick_cpu_impl in BTF"

SEC("syscall")
int p(void *ctx)
{
	scx_bpf_kick_cpu(0, 0, NULL);
	return 0;
}
