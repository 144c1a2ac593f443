// SPDX-License-Identifier: Apache-2.0
/* old.bpf.o is made from this file: see build beside it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_wq_set_callback_impl(struct bpf_wq *wq, int (*callback_fn)(void *map, int *key, void *value),
				    unsigned int flags, struct bpf_prog_aux *aux) __weak __ksym;

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
	return 0;
}

static int armed(struct elem *e, int how)
{
	switch (how) {
	case 7:
		return bpf_wq_set_callback_impl(&e->work, report, 7, NULL);
	}
	if (!e)
		return 0;
	return bpf_wq_set_callback_impl(&e->work, report, 0, NULL);
}

SEC("tc")
int snoop(struct __sk_buff *ctx)
{
	int key = 0;

	return armed(bpf_map_lookup_elem(&elems, &key), 3);
}
