// A kernel before 7.1 has no other form.
// kernels: 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

struct own { int x; };
extern void *bpf_obj_new_impl(u64 local_type_id__k, void *meta__ign) __ksym;
extern void bpf_obj_drop_impl(void *p__alloc, void *meta__ign) __ksym;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	struct own *n = bpf_obj_new_impl(__builtin_btf_type_id(*(struct own *)0, 0), NULL);

	if (n)
		bpf_obj_drop_impl(n, NULL);
	return 0;
}
