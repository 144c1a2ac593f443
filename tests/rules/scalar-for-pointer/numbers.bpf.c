// A number stays one, whatever it is cast to.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

SEC("tp_btf/task_newtask")
int time(u64 *ctx)
{
	struct task_struct *task = bpf_task_acquire((void *)bpf_ktime_get_ns()); // want error "R1 is scalar expected STRUCT task_struct"

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("tp_btf/task_newtask")
int literal(u64 *ctx)
{
	bpf_task_release((struct task_struct *)16); // want error "release kfunc bpf_task_release expects referenced PTR_TO_BTF_ID passed to R1"
	return 0;
}

SEC("syscall")
int memory(void *ctx)
{
	return bpf_copy_from_user_str((void *)16, 16, (void *)1, 0); // want error "R1 type=scalar expected=fp"
}
