static __attribute__((noinline)) int helped(struct bpf_wq *wq)
{
	return bpf_a(wq, 1);
}
