// Guards of every kind; each keeps the verifier away.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_nope_kfunc(int x) __weak __ksym;
extern int bpf_other_nope(int x) __weak __ksym;

static int guarded_by_caller(int x)
{
	return bpf_nope_kfunc(x);
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	int n = bpf_get_prandom_u32(), have = bpf_ksym_exists(bpf_nope_kfunc);

	if (bpf_nope_kfunc)
		n += bpf_nope_kfunc(1);
	if (n > 3 && bpf_ksym_exists(bpf_nope_kfunc))
		n += bpf_nope_kfunc(2);
	n += bpf_ksym_exists(bpf_nope_kfunc) ? bpf_nope_kfunc(3) : 0;
	if (have)
		n += bpf_nope_kfunc(4);
	if (bpf_ksym_exists(bpf_other_nope))
		n += bpf_ksym_exists(bpf_nope_kfunc) ? 1 : bpf_other_nope(5);
	if (!bpf_ksym_exists(bpf_nope_kfunc))
		return n;
	return guarded_by_caller(n);
}
