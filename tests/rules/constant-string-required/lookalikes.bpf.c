// Strings that libbpf freezes.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, u32 len__sz) __ksym;

const char frozen[] = "x";
u64 argument;

SEC("syscall")
int literal(void *ctx)
{
	return bpf_stream_vprintk(1, "x" "y", &argument, sizeof(argument));
}

SEC("syscall")
int global(void *ctx)
{
	return bpf_stream_vprintk(1, frozen, &argument, sizeof(argument));
}

SEC("syscall")
int static_local(void *ctx)
{
	static const char format[] = "x";
	const char *same = format;

	return bpf_stream_vprintk(1, same, &argument, sizeof(argument));
}
