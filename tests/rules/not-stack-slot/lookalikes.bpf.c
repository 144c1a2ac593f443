// Locals, whatever they are called.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_local_irq_save(unsigned long *flags__irq_flag) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags__irq_flag) __ksym;
extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *unsafe_ptr__ign, u32 nr_words) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;

unsigned long flags;

SEC("tc")
int saved(struct __sk_buff *ctx)
{
	unsigned long state;

	bpf_local_irq_save(&state);
	flags = 1;
	bpf_local_irq_restore(&state);
	return 0;
}

SEC("tc")
int iterated(struct __sk_buff *ctx)
{
	struct bpf_iter_bits it, *same = &it;
	u64 word = 1;

	bpf_iter_bits_new(same, &word, 1);
	bpf_iter_bits_destroy(&it);
	return 0;
}
