// What takes NULL depends on the kernel.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_copy_from_user_str(void *dst, u32 dst__sz, const void *unsafe_ptr__ign, u64 flags) __ksym;

SEC("syscall")
int nothing(void *ctx)
{
	return bpf_copy_from_user_str(NULL, 0, (void *)1, 0); // want error "does not take NULL as argument 1 on 7.0, 7.3"
}

SEC("syscall")
int through_a_local(void *ctx)
{
	char *buffer = 0;

	return bpf_copy_from_user_str(buffer, 0, (void *)1, 0); // want error "Possibly NULL pointer passed to trusted arg0"
}
