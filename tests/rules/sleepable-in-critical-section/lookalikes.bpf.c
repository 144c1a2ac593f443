// Before and behind a section.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

SEC("syscall")
int outside(void *ctx)
{
	char text[16];

	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0);
	bpf_preempt_disable();
	bpf_preempt_enable();
	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0);
	return 0;
}
