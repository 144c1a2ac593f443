// State that the verifier follows on the stack only.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_local_irq_save(unsigned long *flags__irq_flag) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags__irq_flag) __ksym;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;

unsigned long flags;
struct bpf_iter_bits iterator;
struct bpf_dynptr dynptr;

SEC("tc")
int saved(struct __sk_buff *ctx)
{
	bpf_local_irq_save(&flags); // want error "arg#0 doesn't point to an irq flag on stack"
	return 0;
}

SEC("tc")
int iterated(struct __sk_buff *ctx)
{
	u64 word = 1;

	bpf_iter_bits_new(&iterator, &word, 1); // want error "R1 expected pointer to an iterator on stack"
	return 0;
}

SEC("tc")
int wrapped(struct __sk_buff *ctx)
{
	bpf_dynptr_from_skb(ctx, 0, &dynptr); // want error "R3 expected pointer to stack or const struct bpf_dynptr"
	return 0;
}
