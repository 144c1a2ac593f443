// Declared, defined here, or no call.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
static int bpf_task_acquire(int x) { return x; }
struct methods { int (*bpf_task_release)(int x); };
#define bpf_task_from_pid(x) (x)

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	int bpf_cpumask_create = 0;

	bpf_rcu_read_lock();
	bpf_rcu_read_unlock();
	return bpf_task_acquire(bpf_task_from_pid(1)) + bpf_cpumask_create;
}
