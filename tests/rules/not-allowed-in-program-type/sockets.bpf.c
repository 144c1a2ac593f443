// Filters as old as their functions.
// kernels: 6.12 6.18 7.0 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

const char name[] = "user.tag";
char buffer[16];

extern int bpf_sock_destroy(struct sock_common *sock) __ksym;
extern int bpf_get_file_xattr(struct file *file, const char *name__str, struct bpf_dynptr *value_p) __ksym;

SEC("tp_btf/tcp_destroy_sock")
int destroys(u64 *ctx)
{
	return bpf_sock_destroy((void *)ctx[0]); // want error "in iter programs (tracing_iter_filter"
}

SEC("iter/tcp")
int iterates(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sock = ctx->sk_common;

	if (sock)
		bpf_sock_destroy(sock);
	return 0;
}

SEC("fentry.s/bpf_fentry_test1")
int reads(u64 *ctx)
{
	struct bpf_dynptr value;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &value);
	return bpf_get_file_xattr(bpf_get_current_task_btf()->mm->exe_file, name, &value); // want error "calling kernel function bpf_get_file_xattr is not allowed"
}

SEC("lsm.s/file_open")
int may_read(u64 *ctx)
{
	struct bpf_dynptr value;

	bpf_dynptr_from_mem(buffer, sizeof(buffer), 0, &value);
	bpf_get_file_xattr((void *)ctx[0], name, &value);
	return 0;
}
