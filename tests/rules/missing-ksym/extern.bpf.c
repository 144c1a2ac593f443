// Without __ksym it is a function of another object file.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void); // want error "failed to find BTF for extern 'bpf_rcu_read_lock' [..] section: -2"
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
