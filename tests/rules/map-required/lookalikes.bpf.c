// Maps, and what may be one.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; u32 size; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;

static void *chosen(void)
{
	return &map;
}

SEC("tc")
int right(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, &map, 0);
	return 0;
}

SEC("tc")
int through_a_function(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, chosen(), 0);
	return 0;
}
