"""What programs use of libbpf's and sched_ext's headers, for headers that are not found.

One macro a line, name then replacement, reduced to what this project reads: sections, attributes, control flow, and
which kfuncs are called. The attribute in those that define a program makes them worth expanding.
"""

from __future__ import annotations

FALLBACKS = r"""
SEC(name) __attribute__((section(name), used))
__ksym __attribute__((section(".ksyms")))
__kconfig __attribute__((section(".kconfig")))
__weak __attribute__((weak))
__hidden __attribute__((visibility("hidden")))
__always_inline inline __attribute__((always_inline))
__noinline __attribute__((noinline))
bpf_ksym_exists(sym) (!!sym)
likely(x) __builtin_expect(!!(x), 1)
unlikely(x) __builtin_expect(!!(x), 0)
NULL ((void *)0)
BPF_PROG(name, args...) __attribute__((used)) name(unsigned long long *ctx, ##args)
BPF_PROG2(name, args...) __attribute__((used)) name(unsigned long long *ctx, ##args)
BPF_KPROBE(name, args...) __attribute__((used)) name(struct pt_regs *ctx, ##args)
BPF_KRETPROBE(name, args...) __attribute__((used)) name(struct pt_regs *ctx, ##args)
BPF_UPROBE(name, args...) __attribute__((used)) name(struct pt_regs *ctx, ##args)
BPF_URETPROBE(name, args...) __attribute__((used)) name(struct pt_regs *ctx, ##args)
BPF_KSYSCALL(name, args...) __attribute__((used)) name(struct pt_regs *ctx, ##args)
BPF_STRUCT_OPS(name, args...) SEC("struct_ops/" #name) BPF_PROG(name, ##args)
BPF_STRUCT_OPS_SLEEPABLE(name, args...) SEC("struct_ops.s/" #name) BPF_PROG(name, ##args)
bpf_for_each(type, cur, args...) for (struct bpf_iter_##type it_ __attribute__((cleanup(bpf_iter_##type##_destroy))), *p_ = (bpf_iter_##type##_new(&it_, ##args), (void *)0); ((cur) = bpf_iter_##type##_next(&it_)); )
bpf_for(i, start, end) for (struct bpf_iter_num it_ __attribute__((cleanup(bpf_iter_num_destroy))), *p_ = (bpf_iter_num_new(&it_, (start), (end)), (void *)0); ({ int *t_ = bpf_iter_num_next(&it_); t_ && ((i) = *t_, 1); }); )
bpf_repeat(n) for (struct bpf_iter_num it_ __attribute__((cleanup(bpf_iter_num_destroy))), *p_ = (bpf_iter_num_new(&it_, 0, (n)), (void *)0); bpf_iter_num_next(&it_); )
"""
