// Nothing, or the wrong guard, keeps the verifier away.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_nope_kfunc(int x) __weak __ksym;
extern int bpf_other_nope(int x) __weak __ksym;

static int helper(int x)
{
	return bpf_nope_kfunc(x); // want error "wasn't resolved"
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	int n = bpf_get_prandom_u32();

	if (!bpf_ksym_exists(bpf_nope_kfunc))
		return bpf_nope_kfunc(1); // want error "kfunc 'bpf_nope_kfunc' is referenced but wasn't resolved"
	return 0;
}

SEC("tc")
int q(struct __sk_buff *ctx)
{
	int n = bpf_get_prandom_u32();

	if (n > 3 || bpf_ksym_exists(bpf_nope_kfunc))
		return bpf_nope_kfunc(2); // want error "the guard on it does not keep the call from being reached"
	return 0;
}

SEC("tc")
int r(struct __sk_buff *ctx)
{
	if (!bpf_ksym_exists(bpf_other_nope))
		return helper(3);
	return 0;
}
