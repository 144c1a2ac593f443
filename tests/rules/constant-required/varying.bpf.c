// Numbers that only the running program knows.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer, u64 buffer__szk) __ksym;
extern void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k) __ksym;

u32 size;

SEC("tc")
int type_of_the_packet(struct __sk_buff *ctx)
{
	return bpf_rdonly_cast(ctx, ctx->mark) != 0; // want error "R2 must be a known constant"
}

SEC("tc")
int random_type(struct __sk_buff *ctx)
{
	u32 type = bpf_get_prandom_u32();

	return bpf_rdonly_cast(ctx, type + 1) != 0; // want error "R2 must be a known constant"
}

SEC("tc")
int global_type(struct __sk_buff *ctx)
{
	return bpf_rdonly_cast(ctx, size) != 0; // want error "R2 must be a known constant"
}

SEC("tc")
int masked(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;
	char buffer[16];

	bpf_dynptr_from_skb(ctx, 0, &ptr);
	return bpf_dynptr_slice(&ptr, 0, buffer, ctx->mark & 7) != 0; // want error "R4 must be a known constant"
}

SEC("tc")
int checked(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;
	char buffer[16];
	u32 len = ctx->mark;

	bpf_dynptr_from_skb(ctx, 0, &ptr);
	if (len > sizeof(buffer))
		return 0;
	return bpf_dynptr_slice(&ptr, 0, buffer, len) != 0; // want error "needs a known constant as argument 4"
}

SEC("tc")
int unbounded(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;
	char buffer[16];

	bpf_dynptr_from_skb(ctx, 0, &ptr);
	return bpf_dynptr_slice(&ptr, 0, buffer, ctx->mark) != 0; // want error "R4 unbounded memory access"
}
