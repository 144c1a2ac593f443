// What releases or wants trusted pointers has never taken NULL, nor has what wants an object of its own.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct elem { struct bpf_wq work; u32 size; };
struct { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 1); __type(key, int); __type(value, struct elem); } map SEC(".maps");

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_wq_init(struct bpf_wq *wq, void *p__map, unsigned int flags) __ksym;

SEC("tp_btf/task_newtask")
int acquires(u64 *ctx)
{
	struct task_struct *task = bpf_task_acquire(NULL); // want error "Possibly NULL pointer passed to trusted R1"

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask")
int releases(u64 *ctx)
{
	bpf_task_release(0); // want error "on 6.12, 6.18, 7.0, 7.3"
	return 0;
}

SEC("tc")
int no_map(struct __sk_buff *ctx)
{
	int key = 0;
	struct elem *e = bpf_map_lookup_elem(&map, &key);

	if (e)
		bpf_wq_init(&e->work, NULL, 0); // want error "pointer in R2 isn't map pointer"
	return 0;
}
