// Nothing declares it: clang refuses the file.
// kernels: 6.18 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct task_struct *t = (void *)0;

	bpf_rcu_read_lock(); // want error "call to undeclared function 'bpf_rcu_read_lock'"
	bpf_rcu_read_unlock(); // want error "call to undeclared function 'bpf_rcu_read_unlock'"
	return t != (void *)0;
}
