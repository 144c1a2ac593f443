// NULL where it is nullable or not looked at, or perhaps not NULL at all.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *task__nullable, unsigned int flags) __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k) __ksym;
extern int bpf_dynptr_from_skb(struct __sk_buff *s, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern void *bpf_dynptr_slice(const struct bpf_dynptr *p, u64 offset, void *buffer, u64 buffer__szk) __ksym;

SEC("syscall")
int every_task(void *ctx)
{
	struct bpf_iter_task it;

	bpf_rcu_read_lock();
	bpf_iter_task_new(&it, NULL, 0);
	bpf_iter_task_next(&it);
	bpf_iter_task_destroy(&it);
	bpf_rcu_read_unlock();
	return 0;
}

SEC("tc")
int ignored(struct __sk_buff *ctx)
{
	return bpf_rdonly_cast(NULL, 0) != 0;
}

SEC("tc")
int no_buffer(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr, *other = NULL;

	bpf_dynptr_from_skb(ctx, 0, &ptr);
	other = &ptr;
	return bpf_dynptr_slice(other, 0, NULL, 16) != 0;
}
