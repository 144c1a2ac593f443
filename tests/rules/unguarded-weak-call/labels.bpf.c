// A guard that is a labelled statement, alone or as the body of another, guards; what a jump gets past does not.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_nope_kfunc(int x) __weak __ksym;

SEC("tc")
int label(struct __sk_buff *ctx)
{
	int n = bpf_get_prandom_u32(), m = bpf_get_prandom_u32();

	if (n) again: if (bpf_ksym_exists(bpf_nope_kfunc)) bpf_nope_kfunc(1);
	if (m > 5) {
		m = 1;
		goto again;
	}
	return 0;
}

SEC("tc")
int cases(struct __sk_buff *ctx)
{
	switch (bpf_get_prandom_u32()) default: if (bpf_ksym_exists(bpf_nope_kfunc)) bpf_nope_kfunc(2);
	switch (bpf_get_prandom_u32()) case 1: return bpf_ksym_exists(bpf_nope_kfunc) ? bpf_nope_kfunc(3) : 0;
	return 0;
}

SEC("tc")
int past(struct __sk_buff *ctx)
{
	if (bpf_get_prandom_u32())
		goto inside;
	if (bpf_ksym_exists(bpf_nope_kfunc)) inside: bpf_nope_kfunc(4); // want warning "it is not known whether it is"
	return 0;
}
