// Pointers, and numbers where nobody looks.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

SEC("tp_btf/task_newtask")
int current(u64 *ctx)
{
	struct task_struct *task = bpf_task_acquire(bpf_get_current_task_btf());

	if (task)
		bpf_task_release(task);
	return 0;
}

SEC("syscall")
int user_memory(void *ctx)
{
	char buffer[16];

	return bpf_copy_from_user_str(buffer, sizeof(buffer), (void *)16, 0);
}
