// SPDX-License-Identifier: Apache-2.0
/* looped.bpf.o is made from this file: see build beside it. */
#define SEC(name) __attribute__((section(name), used))

char LICENSE[] SEC("license") = "GPL";

extern int bpf_sock_read_xattr(void *sock, const char *name, void *value) __attribute__((weak, section(".ksyms")));
static unsigned int (*const bpf_get_prandom_u32)(void) = (void *)7;
static long (*const bpf_map_update_elem)(void *, const void *, const void *, unsigned long long) = (void *)2;

struct {
	int (*type)[2];
	int (*max_entries)[100];
	int *key;
	int *value;
} values SEC(".maps");

SEC("lsm.s/socket_connect")
int looped(unsigned long long *ctx)
{
	int value = 0;

	for (int i = 0; i < 100; i++) {
		bpf_map_update_elem(&values, &i, &value, 0);
		if (bpf_get_prandom_u32() == 7)
			return 0;
	}
	return bpf_sock_read_xattr((void *)ctx[0], "user.x", 0);
}
