// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym;
extern void bpf_task_release(struct task_struct *p) __ksym;

SEC("tp_btf/task_newtask") int p(void *ctx)
{
	struct task_struct *t = bpf_task_acquire(bpf_get_current_task_btf()); /* kfunc-lsp: ignore */ // want warning "names no rule"
	if (t) /* kfunc-lsp: ignore[not-a-kfun] */ // want warning "names `not-a-kfun`, which is no rule"
		bpf_task_release(t);
	return 0;
}
