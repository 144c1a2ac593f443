// What libbpf compares: kinds and depths; and a struct that is only declared is none.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct nothing;
extern void bpf_task_release(void *p) __ksym; // want error "parameter 1, behind the pointer: `void`, the kernel has `struct task_struct`"
extern struct nothing *bpf_task_acquire(struct task_struct *p) __ksym; // want error "only declared, never defined"
extern u32 bpf_cpumask_first(struct cpumask **cpumask) __ksym; // want error "parameter 1, behind the pointer: `struct cpumask *`, the kernel has `struct cpumask`"
extern void bpf_cpumask_weight(struct cpumask *cpumask) __ksym; // want error "return value: `void`, the kernel has `unsigned int`"

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	bpf_task_release(NULL);
	bpf_task_acquire(NULL);
	bpf_cpumask_first(NULL);
	bpf_cpumask_weight(NULL);
	return 0;
}
