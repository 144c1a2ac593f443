// A function of the kernel that is no kfunc: libbpf finds it, the verifier refuses it.
// kernels: 6.12+ 6.18+ 7.0+ 7.3+
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern long schedule_timeout(long timeout) __ksym;
const volatile int use_it = 0;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return schedule_timeout(1); // want error "calling kernel function schedule_timeout is not allowed"
}
