// Macros that end what they begin, and macros that leave it to others.
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

#define each_bit(bit) \
	for (struct bpf_iter_bits it __attribute__((cleanup(bpf_iter_bits_destroy))), \
	     *made = (bpf_iter_bits_new(&it, &words, 1), (void *)bpf_iter_bits_destroy, (void *)0); \
	     ((bit) = bpf_iter_bits_next(&it)); \
	    )

#define each_to_the_end(it, bit) \
	for (bpf_iter_bits_new(&it, &words, 1); \
	     ((bit) = bpf_iter_bits_next(&it)) || (bpf_iter_bits_destroy(&it), 0);)

#define each_of_mine(bit) each_to_the_end(mine, bit)

#define begin(it) bpf_iter_bits_new(it, &words, 1)
#define end(it) bpf_iter_bits_destroy(it)

SEC("syscall")
int within_another(void *ctx)
{
	int *bit, *other;

	each_bit(bit) {
		each_bit(other)
			if (*bit == *other)
				return 3;
	}
	return 0;
}

SEC("syscall")
int to_the_end(void *ctx)
{
	struct bpf_iter_bits it;
	int *bit;

	each_to_the_end(it, bit)
		seen += *bit;
	return 0;
}

SEC("syscall")
int not_to_the_end(void *ctx)
{
	struct bpf_iter_bits it;
	int *bit;

	each_to_the_end(it, bit) // want warning "not destroyed on every path"
		if (*bit == 3)
			break;
	return 0;
}

SEC("syscall")
int of_the_function(void *ctx)
{
	struct bpf_iter_bits mine;
	int *bit;

	each_of_mine(bit) // want warning "not destroyed on every path"
		if (*bit == 3)
			break;
	return 0;
}

SEC("syscall")
int begun(void *ctx)
{
	struct bpf_iter_bits it;

	begin(&it); // want warning "Unreleased reference"
	return 0;
}

SEC("syscall")
int begun_and_ended(void *ctx)
{
	struct bpf_iter_bits it;

	begin(&it);
	end(&it);
	return 0;
}

SEC("syscall")
int ended(void *ctx)
{
	struct bpf_iter_bits it;

	end(&it); // want warning "is passed no iterator"
	return 0;
}
