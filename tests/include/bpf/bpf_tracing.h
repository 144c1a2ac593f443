/* What the fixtures use of libbpf's header of this name. */
#pragma once

#define BPF_PROG(name, args...) \
name(unsigned long long *ctx); \
static __attribute__((always_inline)) typeof(name(0)) ____##name(unsigned long long *ctx, ##args); \
typeof(name(0)) name(unsigned long long *ctx) \
{ \
	return ____##name(ctx, (void *)ctx[0], ctx[1]); \
} \
static __attribute__((always_inline)) typeof(name(0)) ____##name(unsigned long long *ctx, ##args)
