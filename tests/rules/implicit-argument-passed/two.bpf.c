// Two implicit arguments, the second a plain integer: both have to go.
// kernels: 7.2 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_list_push_front(struct bpf_list_head *head, struct bpf_list_node *node, void *meta, u64 off) __ksym; // want error "2 arguments"
extern struct bpf_list_node *bpf_list_pop_front(struct bpf_list_head *head) __ksym;

struct bpf_list_head head;

SEC("tc")
int p(struct __sk_buff *ctx)
{
	struct bpf_list_node *node = bpf_list_pop_front(&head);

	return node ? bpf_list_push_front(&head, node, NULL, 0) : 0;
}
