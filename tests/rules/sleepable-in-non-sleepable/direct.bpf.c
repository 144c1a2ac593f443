// Only programs whose section says so may sleep.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

static int copies(u32 index, void *data)
{
	char text[16];

	bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0); // want error "which tc programs may not"
	return 0;
}

SEC("fentry/bpf_fentry_test1")
int awake(void *ctx)
{
	char text[16];

	return bpf_copy_from_user_str(text, sizeof(text), (void *)1, 0); // want error "program must be sleepable to call sleepable kfunc bpf_copy_from_user_str"
}

SEC("tc")
int loops(struct __sk_buff *ctx)
{
	bpf_loop(2, copies, NULL, 0);
	return 0;
}

SEC("syscall")
int asleep(void *ctx)
{
	bpf_loop(2, copies, NULL, 0);
	return 0;
}
