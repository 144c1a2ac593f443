// Weak and declared as 6.18 had it: silently unresolved, so it is the guards that count.
// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
static int cb(void *map, int *key, void *value) { return 0; }

extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags, void *aux__prog) __weak __ksym;

SEC("tc")
int guarded(struct __sk_buff *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &k);

	if (!e || bpf_wq_init(&e->work, &map, 0))
		return 0;
	if (bpf_ksym_exists(bpf_wq_set_callback_impl)) // want warning "this guard is never true"
		return bpf_wq_set_callback_impl(&e->work, cb, 0, NULL);
	return 0;
}

SEC("tc")
int inverted(struct __sk_buff *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &k);

	if (!e || bpf_wq_init(&e->work, &map, 0))
		return 0;
	if (!bpf_wq_set_callback_impl) // want warning "this guard is never true"
		return bpf_wq_set_callback_impl(&e->work, cb, 0, NULL); // want error "referenced but wasn't resolved"
	return 0;
}
