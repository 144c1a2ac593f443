// SPDX-License-Identifier: Apache-2.0
/* noksym.bpf.o is made from this file: see build beside it. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern void bpf_rcu_read_lock(void);

SEC("tc")
int p(struct __sk_buff *ctx)
{
	bpf_rcu_read_lock();
	return 0;
}
