// A strong extern that no kernel has: libbpf refuses the object, also for the program that never calls it.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_tusk_acquire(int x) __ksym; // want error "extern (func ksym) 'bpf_tusk_acquire': not found in kernel or module BTFs"

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return bpf_tusk_acquire(1);
}

SEC("tc")
int q(struct __sk_buff *ctx)
{
	return 0;
}
