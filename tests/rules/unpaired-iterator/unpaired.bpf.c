// Iterators without an end or a beginning.
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

SEC("syscall")
int left(void *ctx)
{
	struct bpf_iter_bits it;

	bpf_iter_bits_new(&it, &words, 1); // want warning "Unreleased reference"
	return 0;
}

SEC("syscall")
int left_on_a_path(void *ctx)
{
	struct bpf_iter_bits it;
	int *bit;

	bpf_iter_bits_new(&it, &words, 1); // want warning "not destroyed on every path"
	while ((bit = bpf_iter_bits_next(&it))) {
		if (*bit == 3)
			return 3;
	}
	bpf_iter_bits_destroy(&it);
	return 0;
}

SEC("syscall")
int not_begun(void *ctx)
{
	struct bpf_iter_bits it;

	seen = (long)bpf_iter_bits_next(&it); // want warning "expected an initialized iter_bits as"
	return 0;
}

SEC("syscall")
int destroyed_twice(void *ctx)
{
	struct bpf_iter_bits it;

	bpf_iter_bits_new(&it, &words, 1);
	bpf_iter_bits_destroy(&it);
	bpf_iter_bits_destroy(&it); // want warning "is passed no iterator"
	return 0;
}

SEC("syscall")
int begun_twice(void *ctx)
{
	struct bpf_iter_bits it;

	bpf_iter_bits_new(&it, &words, 1);
	bpf_iter_bits_new(&it, &words, 1); // want warning "expected uninitialized iter_bits as"
	bpf_iter_bits_destroy(&it);
	return 0;
}
