// Macros that ask, and macros that do not.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *words, u32 count) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;

u64 words = 5;
long seen;

#define with_bits(it) \
	for (struct bpf_iter_bits it __attribute__((cleanup(bpf_iter_bits_destroy))), \
	     *made = (bpf_iter_bits_new(&it, &words, 1), (void *)bpf_iter_bits_destroy, (void *)0); !made; made = &it)

#define with_a_bit(bit) with_bits(it) for (int *bit = bpf_iter_bits_next(&it), *once = 0; !once; once = bit)
#define with_this_bit with_a_bit(bit)
#define each_bit(bit) with_bits(it) while (((bit) = bpf_iter_bits_next(&it)))

SEC("syscall")
int asked(void *ctx)
{
	int *bit;

	each_bit(bit)
		seen += *bit;
	return 0;
}

SEC("syscall")
int given(void *ctx)
{
	with_a_bit(bit)
		seen = *bit; // want warning "invalid mem access"
	return 0;
}

SEC("syscall")
int not_given(void *ctx)
{
	with_this_bit
		seen = *bit; // want warning "invalid mem access"
	return 0;
}
