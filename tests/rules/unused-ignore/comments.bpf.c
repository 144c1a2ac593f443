// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";

extern struct task_struct *bpf_task_acquire(struct task_struct *p) __ksym; /* kfunc-lsp: ignore[missing-kfunc] */ // want hint "this ignore of `missing-kfunc` hides nothing"
extern void bpf_task_release(struct task_struct *p) __ksym;
extern void bpf_task_none(struct task_struct *p) __ksym; /* kfunc-lsp: ignore[missing-kfunc, legacy-impl] */ // want hint "of `legacy-impl` hides nothing"

	/* kfunc-lsp: ignore[legacy-impl] */ // want hint "of `legacy-impl` hides nothing"
SEC("tp_btf/task_newtask") int p(void *ctx)
{
	struct task_struct *t = bpf_task_acquire(bpf_get_current_task_btf());
	if (t)
		bpf_task_release(t);
	bpf_task_none(0);
	return 0;
}
