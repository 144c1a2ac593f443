// A macro writes the call: the finding is where the macro is used, and points to where it is defined.
// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_stream_vprintk_impl(int stream_id, const char *fmt__str, const void *args, u32 len__sz, struct bpf_prog_aux *aux) __ksym;
#define say(fmt) bpf_stream_vprintk_impl(1, fmt, &nothing, sizeof(nothing), NULL)

SEC("syscall")
int p(void *ctx)
{
	u64 nothing = 0;

	return say("hello"); // want error "cannot find address for kernel function bpf_stream_vprintk_impl"
}
