// SPDX-License-Identifier: Apache-2.0
/* The objects beside this file are made from it by ./build; test_read.py knows its lines. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

extern int bpf_a(struct bpf_wq *wq, int flags) __ksym;
extern int bpf_weak(struct bpf_wq *wq) __ksym __weak;
extern struct task_struct *bpf_pointer(void) __ksym __weak;
extern const int bpf_variable __ksym;

#include "inline.h"

#define TWICE(call) ({ call; call; })
#define BOTH(wq) (bpf_a(wq, 2) + bpf_a(wq, 3))

struct elem {
	struct bpf_wq work;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct elem);
} elems SEC(".maps");

struct operations {
	int (*init)(struct bpf_wq *wq);
	int (*stop)(struct bpf_wq *wq);
};

static long (*bpf_loop)(u32 count, void *callback, void *context, u64 flags) = (void *) 181;

static long each(u64 index, void *context)
{
	return bpf_a(context, 4);
}

SEC("tc")
int main_program(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&elems, &key);

	if (!e)
		return 0;
	if (bpf_ksym_exists(bpf_weak))
		bpf_weak(&e->work);
	TWICE(bpf_a(
		&e->work, 5));
	bpf_loop(3, each, &e->work, 0);
	return BOTH(&e->work) + helped(&e->work) + bpf_variable;
}

SEC("struct_ops.s/init")
int started(struct bpf_wq *wq)
{
	struct task_struct *task = bpf_pointer ? bpf_pointer() : NULL;

	return task ? task->pid : 0;
}

SEC(".struct_ops.link")
struct operations ops = {
	.stop = (void *) started,
};
