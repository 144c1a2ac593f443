// Nothing here is asked for by libbpf, or it is there, or its absence is allowed.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;
extern int bpf_nope_unused(int x) __ksym;
extern int bpf_nope_in_unused_function(int x) __ksym;
extern int bpf_nope_weak(int x) __weak __ksym;
extern struct task_struct *bpf_task_from_pid___mine(s32 pid) __ksym;

static inline int unused(void)
{
	return bpf_nope_in_unused_function(1);
}

#if 0
int never(void) { return bpf_nope_unused(1); }
#endif

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t = bpf_task_from_pid(1);

	if (t)
		bpf_task_release(t);
	t = bpf_task_from_pid___mine(1);
	if (t)
		bpf_task_release(t);
	/* bpf_nope_unused(1) */
	if (bpf_ksym_exists(bpf_nope_weak))
		return bpf_nope_weak(1);
	return sizeof(bpf_nope_unused(1)) == 0;
}
