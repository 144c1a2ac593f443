// Nothing here is wrong: the portable pair, and the older kfuncs whose names end in _impl.
// kernels: 6.12 6.18 7.0 7.2 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
static int cb(void *map, int *key, void *value) { return 0; }

extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags, void *aux__prog) __weak __ksym;
extern void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) __ksym;
extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __ksym;

struct own { int x; };

static int own_impl(int x) { return x; }

SEC("tc")
int p(struct __sk_buff *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &k);
	struct own *n;

	n = bpf_obj_new_impl(__builtin_btf_type_id(*(struct own *)0, 0), NULL);
	if (n)
		bpf_obj_drop_impl(n, NULL);
	if (!e || bpf_wq_init(&e->work, &map, 0))
		return 0;
	if (bpf_ksym_exists(bpf_wq_set_callback))
		return bpf_wq_set_callback(&e->work, cb, 0);
	else
		return bpf_wq_set_callback_impl(&e->work, cb, own_impl(0), NULL);
}
