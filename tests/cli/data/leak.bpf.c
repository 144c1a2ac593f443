// SPDX-License-Identifier: Apache-2.0
/* leak.bpf.o is made from this file: see build beside it. */
#define SEC(name) __attribute__((section(name), used))

struct task_struct {};
extern struct task_struct *bpf_task_from_pid(int pid) SEC(".ksyms");

SEC("syscall")
int leaks(void *ctx)
{
	return bpf_task_from_pid(1) != 0;
}

char LICENSE[] SEC("license") = "GPL";
