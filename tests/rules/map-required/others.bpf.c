// Numbers and variables that are no maps.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; u32 size; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;

char data[8];

SEC("tc")
int number(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, (void *)5, 0); // want error "pointer in R2 isn't map pointer"
	return 0;
}

SEC("tc")
int key_on_stack(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, &key, 0); // want error "pointer in R2 isn't map pointer"
	return 0;
}

SEC("tc")
int variable(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, data, 0); // want error "R2 must be referenced or trusted"
	return 0;
}

SEC("tc")
int value(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, e, 0); // want error "arg#1 is map_value expected map_value or socket"
	return 0;
}
