// Names, widths, signs and qualifiers do not matter to libbpf; a declaration that no code uses does not either.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct other { int x; };
typedef struct other *handle;
extern const struct other *bpf_task_from_pid(u64 number) __ksym;
extern void bpf_task_release(volatile struct other *q) __ksym;
extern handle bpf_task_acquire___mine(const handle q) __ksym;
extern void bpf_task_acquire(void) __ksym;

SEC("tp_btf/task_newtask")
int p(unsigned long long *ctx)
{
	struct other *t = (struct other *)bpf_task_from_pid(1), *u;

	if (!t)
		return 0;
	u = bpf_task_acquire___mine(t);
	if (u)
		bpf_task_release(u);
	bpf_task_release(t);
	return 0;
}
