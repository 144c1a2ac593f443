// Not on every kernel.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags) __weak __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return bpf_ksym_exists(bpf_wq_set_callback);
}
