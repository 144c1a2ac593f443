// One of the kernels has it; or the guard is in no program.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;
extern void bpf_nope_kfunc(int x) __weak __ksym;

static inline int unused(void)
{
	return bpf_ksym_exists(bpf_nope_kfunc);
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	if (bpf_ksym_exists(bpf_wq_set_callback))
		return 1;
	return 0;
}
