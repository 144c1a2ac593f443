// A timer's callback may not sleep, whatever the program; on 6.12 the program decided.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_timer timer; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

static int later(void *map, int *key, void *value)
{
	char text[16];

	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0); // want error "a callback of a timer may not on 6.18, 7.0, 7.3"
	return 0;
}

SEC("syscall")
int p(void *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e && !bpf_timer_init(&e->timer, &map, 1))
		bpf_timer_set_callback(&e->timer, later);
	return 0;
}
