// A license that the kernel does not count as compatible, in dead code too.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "MIT";

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

const volatile _Bool never;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	if (never) {
		bpf_rcu_read_lock(); // want error "cannot call kernel function from non-GPL compatible program"
		bpf_rcu_read_unlock();
	}
	return 0;
}
