// No selected kernel has it.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_tusk_release(struct task_struct *p) __weak __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	if (bpf_ksym_exists(bpf_tusk_release)) // want hint "this guard on `bpf_tusk_release` is never true on 6.18, 7.0, 7.3"
		bpf_tusk_release(NULL);
	return 0;
}
