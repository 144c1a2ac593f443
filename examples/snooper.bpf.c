// SPDX-License-Identifier: Apache-2.0
/* A timer-like program written for Linux 6.18. On 7.0 and later it does not load: try
 *
 *     kfunc-lsp check examples/snooper.bpf.c --kernel 6.18 --kernel 7.3
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;
extern int bpf_wq_start(struct bpf_wq *wq, unsigned int flags) __ksym;
extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*callback_fn)(void *map, int *key, void *value),
				    unsigned int flags, void *aux__prog) __ksym;
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, u32 len__sz,
			      struct bpf_prog_aux *aux) __weak __ksym;

struct elem {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct elem);
} elems SEC(".maps");

static int report(void *map, int *key, void *value)
{
	u64 args[] = { *key };

	if (bpf_ksym_exists(bpf_stream_vprintk))
		bpf_stream_vprintk(1, "work done for %d\n", args, sizeof(args), NULL);
	return 0;
}

SEC("tc")
int snoop(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &key);

	if (!e || bpf_wq_init(&e->work, &elems, 0))
		return 0;
	if (bpf_wq_set_callback_impl(&e->work, report, 0, NULL))
		return 0;
	return bpf_wq_start(&e->work, 0);
}
