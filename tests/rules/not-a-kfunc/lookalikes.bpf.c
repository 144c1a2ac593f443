// In dead code, or not called at all, it does no harm.
// kernels: 6.12+ 6.18+ 7.0+ 7.3+
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern long schedule_timeout(long timeout) __weak __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	if (!bpf_ksym_exists(schedule_timeout))
		return schedule_timeout(1);
	return 0;
}
