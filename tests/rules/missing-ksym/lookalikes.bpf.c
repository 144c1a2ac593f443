// Unused, or defined here, or declared a second time with it.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void);
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void);
int bpf_strlen(const char *s);

__attribute__((noinline)) int bpf_strlen(const char *s)
{
	return s != NULL;
}

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return 0;
}
