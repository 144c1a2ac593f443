// An RCU section within another.
// kernels: 6.12 6.18
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("syscall")
int nested(void *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_lock(); // want warning "nested rcu read lock (kernel function bpf_rcu_read_lock)"
	bpf_rcu_read_unlock();
	bpf_rcu_read_unlock();
	return 0;
}
