// What decides is not known here: all of these load, as it happens.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;

const volatile _Bool is_xdp;

static __attribute__((noinline)) int either(void *ctx, _Bool xdp)
{
	struct bpf_dynptr ptr;

	return xdp ? bpf_dynptr_from_xdp(ctx, 0, &ptr) : bpf_dynptr_from_skb(ctx, 0, &ptr); // want warning "is not allowed in tc programs"
}

SEC("tc")
int switched(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;

	if (is_xdp)
		return bpf_dynptr_from_xdp((void *)ctx, 0, &ptr); // want warning "is not allowed in tc programs"
	return 0;
}

SEC("tc")
int told(struct __sk_buff *ctx)
{
	return either(ctx, 0);
}
