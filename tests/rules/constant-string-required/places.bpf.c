// Strings on the stack or in writable memory.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, u32 len__sz) __ksym;

char writable[] = "x";
char *pointer = "x";

SEC("syscall")
int local(void *ctx)
{
	char format[8] = "x";

	return bpf_stream_vprintk(1, format, NULL, 0); // want error "arg#1 doesn't point to a const string"
}

SEC("syscall")
int const_local(void *ctx)
{
	const char format[] = "x";

	return bpf_stream_vprintk(1, format, NULL, 0); // want error "R2 doesn't point to a const string"
}

SEC("syscall")
int global(void *ctx)
{
	return bpf_stream_vprintk(1, writable, NULL, 0); // want error "R2 does not point to a readonly map'"
}

SEC("syscall")
int from_memory(void *ctx)
{
	return bpf_stream_vprintk(1, pointer, NULL, 0); // want error "and this is what memory holds"
}

SEC("syscall")
int number(void *ctx)
{
	return bpf_stream_vprintk(1, (const char *)16, NULL, 0); // want error "needs a constant string as argument 2"
}
