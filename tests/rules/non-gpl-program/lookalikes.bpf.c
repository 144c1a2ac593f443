// Any GPL-compatible string will do, and without a kfunc none is asked for.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#define TERMS "Dual MIT" "/GPL"
char LICENSE[] SEC("license") = TERMS;
const char terms[] = "MIT";

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return terms[0] == 'G';
}
