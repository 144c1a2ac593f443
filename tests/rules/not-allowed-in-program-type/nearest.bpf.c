// Facts of the kernel that is most like it make a warning.
// kernels: 7.2~
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;

	return bpf_dynptr_from_xdp((void *)ctx, 0, &ptr); // want warning "is not allowed in tc programs"
}
