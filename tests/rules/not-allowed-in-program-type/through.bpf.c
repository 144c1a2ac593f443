// A function runs in the programs that call it, a callback in those that pass it on.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_timer timer; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;

static __attribute__((noinline)) int has(int pid)
{
	struct task_struct *task = bpf_task_from_pid(pid); // want error "is not allowed in socket programs"

	if (!task)
		return 0;
	bpf_task_release(task); // want error "bpf_task_release is not allowed"
	return 1;
}

static int later(void *map, int *key, void *value)
{
	has(2);
	return 0;
}

SEC("socket")
int passes_on(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e && !bpf_timer_init(&e->timer, &map, 1))
		bpf_timer_set_callback(&e->timer, later);
	return 0;
}

SEC("tp_btf/task_newtask")
int may(u64 *ctx)
{
	return has(3);
}
