// Too few for a single parameter, which clang names, and for more.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

SEC("tp_btf/task_newtask")
int p(u64 *ctx)
{
	struct task_struct *task = bpf_task_from_pid(); // want error "too few arguments to function call, single argument 'pid' was not specified"

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall")
int q(void *ctx)
{
	return bpf_copy_from_user_str(ctx, 1); // want error "too few arguments to function call, expected 4, have 2"
}
