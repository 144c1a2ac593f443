// Numbers, data and functions that come out of memory.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; u32 size; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __ksym;

char data[8];
void *stored;

SEC("tc")
int number(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e && !bpf_wq_init(&e->work, &map, 0))
		bpf_wq_set_callback(&e->work, (void *)5, 0); // want error "arg1 expected pointer to func"
	return 0;
}

SEC("tc")
int variable(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e && !bpf_wq_init(&e->work, &map, 0))
		bpf_wq_set_callback(&e->work, (void *)data, 0); // want error "R2 expected pointer to func"
	return 0;
}

SEC("tc")
int from_memory(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e && !bpf_wq_init(&e->work, &map, 0))
		bpf_wq_set_callback(&e->work, stored, 0); // want error "and this is what memory holds"
	return 0;
}
