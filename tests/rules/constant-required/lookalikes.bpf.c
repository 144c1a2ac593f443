// Numbers that the verifier knows, by the text, by a test, or by what the compiler makes of it.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer, u64 buffer__szk) __ksym;
extern void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k) __ksym;

#define SIZE 16

const volatile u32 configured = 0;
static u32 never_written;

SEC("tc")
int literal(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;
	char buffer[SIZE];
	u32 len = sizeof(buffer);

	bpf_dynptr_from_skb(ctx, 0, &ptr);
	if (!bpf_dynptr_slice(&ptr, 0, buffer, SIZE))
		return 0;
	return bpf_dynptr_slice(&ptr, ctx->mark & 7, buffer, len / 2) != 0;
}

SEC("tc")
int read_only(struct __sk_buff *ctx)
{
	return bpf_rdonly_cast(ctx, configured) != 0;
}

SEC("tc")
int folded(struct __sk_buff *ctx)
{
	return bpf_rdonly_cast(ctx, never_written) != 0;
}

SEC("tc")
int tested(struct __sk_buff *ctx)
{
	u32 type = ctx->mark;

	if (type != 0)
		return 0;
	return bpf_rdonly_cast(ctx, type) != 0;
}

SEC("tc")
int dead(struct __sk_buff *ctx)
{
	if (0)
		return bpf_rdonly_cast(ctx, ctx->mark) != 0;
	return 0;
}
