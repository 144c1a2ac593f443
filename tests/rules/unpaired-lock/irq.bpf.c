// Interrupts, which can be disabled since 6.14.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_local_irq_save(unsigned long *flags__irq_flag) __ksym;
extern void bpf_local_irq_restore(unsigned long *flags__irq_flag) __ksym;

SEC("syscall")
int save(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags); // want warning "cannot be used inside bpf_local_irq_save-ed region"
	return 0;
}

SEC("syscall")
int restore(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_restore(&flags); // want warning "expected an initialized irq flag as"
	return 0;
}

SEC("syscall")
int both(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall")
int twice(void *ctx)
{
	unsigned long flags;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&flags); // want warning "expected uninitialized irq flag as"
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall")
int nested(void *ctx)
{
	unsigned long flags, inner;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&inner);
	bpf_local_irq_restore(&inner);
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall")
int other(void *ctx)
{
	unsigned long flags, wrong = 1;

	bpf_local_irq_save(&flags);
	bpf_local_irq_restore(&wrong); // want warning "expected an initialized irq flag as"
	bpf_local_irq_restore(&flags);
	return 0;
}

SEC("syscall")
int swapped(void *ctx)
{
	unsigned long flags, inner;

	bpf_local_irq_save(&flags);
	bpf_local_irq_save(&inner);
	bpf_local_irq_restore(&flags); // want warning "cannot restore irq state out of order"
	bpf_local_irq_restore(&inner);
	return 0;
}

SEC("syscall")
int array(void *ctx)
{
	unsigned long flags[2];

	bpf_local_irq_save(&flags[0]);
	bpf_local_irq_save(&flags[1]);
	bpf_local_irq_restore(&flags[1]);
	bpf_local_irq_restore(&flags[0]);
	return 0;
}
