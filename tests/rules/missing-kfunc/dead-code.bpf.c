// Missing in code that the verifier never sees: libbpf refuses it all the same, but a pack does not tell whether it is another function.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_nope_kfunc(int x) __ksym; // want warning "unless it is another function there"
const volatile int use_it = 0;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	if (use_it)
		return bpf_nope_kfunc(1);
	return 0;
}
