// A kfunc of before 6.17, and only its successor is selected: with another parameter, so there is no fix.
// kernels: 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct cgroup;
extern void cgroup_rstat_updated(struct cgroup *cgrp, int cpu) __ksym; // want error "is missing on 7.0, 7.3"

SEC("tc")
int p(struct __sk_buff *ctx)
{
	cgroup_rstat_updated(NULL, 0);
	return 0;
}
