// An extern that no program uses is in no object: worth a hint, not more. One used in dropped code only is not even that.
// kernels: 7.3
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

extern int bpf_wq_set_callback(struct bpf_wq *wq, int (*cb)(void *, int *, void *), unsigned int flags, struct bpf_prog_aux *aux) __ksym; // want hint "harmless"
extern int bpf_stream_vprintk(int stream_id, const char *fmt__str, const void *args, u32 len__sz, struct bpf_prog_aux *aux) __ksym;

static inline int never_called(void)
{
	return bpf_stream_vprintk(1, "", NULL, 0, NULL);
}

SEC("tc")
int p(struct __sk_buff *ctx)
{
	return 0;
}
