// Kfuncs ask for a license only where a program holds a call of one.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Proprietary";

extern void bpf_rcu_read_lock(void) __ksym;
extern int bpf_not_in_any_kernel(void) __weak __ksym;

static int unused(void)
{
	bpf_rcu_read_lock();
	return 0;
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return bpf_ksym_exists(bpf_not_in_any_kernel) ? bpf_not_in_any_kernel() : 0;
}
