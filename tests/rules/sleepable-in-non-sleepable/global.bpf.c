// A function that is not static is verified by itself, and the kernel's words for it have changed.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

__attribute__((noinline)) int copies(int x)
{
	char text[16];

	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0); // want error "sleepable global function copies() called in non-sleepable prog"
	return text[0] + x;
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return copies(ctx->len);
}
