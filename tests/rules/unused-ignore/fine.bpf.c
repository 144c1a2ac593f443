// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
char LICENSE[] SEC("license") = "GPL";

extern void bpf_task_none(struct task_struct *p) __ksym; // kfunc-lsp: ignore[missing-kfunc] a module of ours has it

// Write kfunc-lsp: ignore[legacy-impl] behind it, where an old kernel matters.
const char text[] = "// kfunc-lsp: ignore[legacy-impl]";

SEC("tp_btf/task_newtask") int p(void *ctx)
{
	bpf_task_none(bpf_get_current_task_btf()); // kfunc-lsp: ignore[missing-kfunc, unused-ignore]
	return 0;
}
