// Macros that end what they begin, and macros that leave it to others.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_iter_bits_new(struct bpf_iter_bits *it, const u64 *words, u32 count) __ksym;
extern int *bpf_iter_bits_next(struct bpf_iter_bits *it) __ksym;
extern void bpf_iter_bits_destroy(struct bpf_iter_bits *it) __ksym;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __ksym;

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

#define if_done(it, what) \
	if (({ bpf_iter_num_new(&it, 0, 3); what; bpf_iter_num_destroy(&it); 1; }))
#define leave goto out
#define if_done_or_next(it, what) \
	if (({ bpf_iter_num_new(&it, 0, 3); if (what) continue; bpf_iter_num_destroy(&it); 1; }))

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

SEC("syscall")
int done(void *ctx)
{
	struct bpf_iter_num it;

	if_done(it, seen++)
		seen++;
	return 0;
}

SEC("syscall")
int returns_as_it_is_told(void *ctx)
{
	struct bpf_iter_num it;

	if_done(it, return 1) // want warning "Unreleased reference"
		seen++;
	return 0;
}

SEC("syscall")
int jumps_as_it_is_told(void *ctx)
{
	struct bpf_iter_num it;

	if_done(it, leave) // want warning "Unreleased reference"
		seen++;
out:
	return 0;
}

SEC("syscall")
int goes_on(void *ctx)
{
	struct bpf_iter_num it;

	for (int i = 0; i < 3; i++)
		if_done_or_next(it, bpf_get_prandom_u32()) // want warning "Unreleased reference"
			seen++;
	return 0;
}
