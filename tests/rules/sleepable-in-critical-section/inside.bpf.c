// What may sleep, where nothing may.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;
extern void bpf_rcu_read_lock(void) __ksym;
extern void bpf_rcu_read_unlock(void) __ksym;
extern void bpf_preempt_disable(void) __ksym;
extern void bpf_preempt_enable(void) __ksym;

SEC("syscall")
int rcu(void *ctx)
{
	char text[16];

	bpf_rcu_read_lock();
	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0); // want warning "is sleepable within rcu_read_lock region"
	bpf_rcu_read_unlock();
	return 0;
}

SEC("syscall")
int preempt(void *ctx)
{
	char text[16];

	bpf_preempt_disable();
	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0); // want warning "within non-preemptible region"
	bpf_preempt_enable();
	return 0;
}
