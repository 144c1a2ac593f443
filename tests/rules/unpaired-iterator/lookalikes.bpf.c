// Iterators with both ends.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *words, u32 count) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;

#define each_bit(bit) \
	for (struct bpf_iter_bits it __attribute__((cleanup(bpf_iter_bits_destroy))), \
	     *made = (bpf_iter_bits_new(&it, &words, 1), (void *)bpf_iter_bits_destroy, (void *)0); \
	     ((bit) = bpf_iter_bits_next(&it)); \
	    )

u64 words = 5;
long seen;

SEC("syscall")
int in_order(void *ctx)
{
	struct bpf_iter_bits it;
	int *bit;

	bpf_iter_bits_new(&it, &words, 1);
	while ((bit = bpf_iter_bits_next(&it)))
		seen += *bit;
	bpf_iter_bits_destroy(&it);
	bpf_iter_bits_new(&it, &words, 1);
	bpf_iter_bits_destroy(&it);
	return 0;
}

SEC("syscall")
int by_a_macro(void *ctx)
{
	int *bit;

	each_bit(bit) {
		if (*bit == 3)
			return 3;
		if (*bit == 4)
			break;
	}
	return 0;
}

SEC("syscall")
int by_an_attribute(void *ctx)
{
	__attribute__((cleanup(bpf_iter_bits_destroy))) struct bpf_iter_bits it;

	bpf_iter_bits_new(&it, &words, 1);
	if (words == 3)
		return 0;
	return 1;
}

static void end(struct bpf_iter_bits *it)
{
	bpf_iter_bits_destroy(it);
}

SEC("syscall")
int by_a_function(void *ctx)
{
	struct bpf_iter_bits it;

	bpf_iter_bits_new(&it, &words, 1);
	end(&it);
	return 0;
}

SEC("syscall")
int of_an_array(void *ctx)
{
	struct bpf_iter_bits it[2];

	bpf_iter_bits_new(&it[0], &words, 1);
	bpf_iter_bits_new(&it[1], &words, 1);
	bpf_iter_bits_destroy(&it[1]);
	bpf_iter_bits_destroy(&it[0]);
	return 0;
}
