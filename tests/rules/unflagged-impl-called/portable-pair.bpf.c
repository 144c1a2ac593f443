// Both forms are called, but the older is declared as 7.x has it: it resolves where it may not be called, and only there.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
static int cb(void *map, int *key, void *value) { return 0; }

extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags, struct bpf_prog_aux *aux) __weak __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &k);

	if (!e || bpf_wq_init(&e->work, &map, 0))
		return 0;
	if (bpf_ksym_exists(bpf_wq_set_callback))
		return bpf_wq_set_callback(&e->work, cb, 0);
	return bpf_wq_set_callback_impl(&e->work, cb, 0, NULL); // want error "cannot find address for kernel function bpf_wq_set_callback_impl"
}
