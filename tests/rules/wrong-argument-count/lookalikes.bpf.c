// A comma in brackets is no argument's end.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

SEC("syscall")
int p(void *ctx)
{
	struct task_struct *task = bpf_task_from_pid((1, 2));
	char buffer[16];

	if (task)
		bpf_task_release(task);
	return bpf_copy_from_user_str(buffer, sizeof(buffer), (void *)1, 0);
}
