// None of these is refused: dead code, functions that no program calls, a callback that nobody passes on.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_not_in_any_kernel(void) __weak __ksym;

static int unused(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr;

	return bpf_dynptr_from_xdp(ctx, 0, &ptr);
}

SEC("tc")
int guarded(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;

	if (bpf_ksym_exists(bpf_not_in_any_kernel))
		return bpf_dynptr_from_xdp((void *)ctx, 0, &ptr);
	return bpf_dynptr_from_skb(ctx, 0, &ptr);
}

SEC("xdp")
int from_xdp(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr;

	return bpf_dynptr_from_xdp(ctx, 0, &ptr) ? 1 : 2;
}
