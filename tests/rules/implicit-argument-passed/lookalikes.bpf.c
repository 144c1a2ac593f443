// Nothing here is wrong on these kernels (or it is another rule's business).
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
static int cb(void *map, int *key, void *value) { return 0; }

extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
/* a kfunc of 6.18 and, with its last argument, of 7.3 too: never implicit */
extern void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) __ksym;
extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __ksym;
/* declared with too many parameters in a comment: bpf_wq_set_callback(wq, cb, 0, NULL) */
struct methods { int (*bpf_wq_set_callback)(void *wq, void *cb, int flags, void *aux); };

static int local(struct methods *m)
{
	return m->bpf_wq_set_callback(0, 0, 0, 0);
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	int k = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &k);

	if (!e || bpf_wq_init(&e->work, &map, 0))
		return 0;
	if (bpf_ksym_exists(bpf_wq_set_callback))
		return bpf_wq_set_callback(&e->work, cb, 0);
	return bpf_wq_start(&e->work, 0);
}
