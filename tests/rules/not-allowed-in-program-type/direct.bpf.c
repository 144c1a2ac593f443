// The type of the program decides, by its section.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_dynptr_from_xdp(struct xdp_md *x, u64 flags, struct bpf_dynptr *ptr__uninit) __ksym;
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tc")
int from_tc(struct __sk_buff *ctx)
{
	struct bpf_dynptr ptr;

	return bpf_dynptr_from_xdp((void *)ctx, 0, &ptr); // want error "calling kernel function bpf_dynptr_from_xdp is not allowed"
}

SEC("xdp")
int from_xdp(struct xdp_md *ctx)
{
	struct bpf_dynptr ptr;

	return bpf_dynptr_from_xdp(ctx, 0, &ptr);
}

SEC("?kprobe/do_exit")
int from_kprobe(struct pt_regs *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1); // want error "is not allowed in kprobe programs"

	if (task)
		bpf_task_release(task); // want error "calling kernel function bpf_task_release is not allowed"
	return 0;
}

SEC("tp_btf/task_newtask")
int from_tracing(u64 *ctx)
{
	struct task_struct *task = bpf_task_from_pid(1);

	if (task)
		bpf_task_release(task);
	return 0;
}
