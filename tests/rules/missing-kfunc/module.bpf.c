// A kfunc of a module: whether it is loaded is not known, so this is no error.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct nf_conn;
extern int bpf_ct_change_timeout(struct nf_conn *nfct, u32 timeout) __ksym; // want warning "it comes with module nf_conntrack, which must be loaded"

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return bpf_ct_change_timeout(NULL, 1);
}
