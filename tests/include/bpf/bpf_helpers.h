/* What the fixtures use of libbpf's header of this name. */
#pragma once

#define SEC(name) __attribute__((section(name), used))
#define __ksym __attribute__((section(".ksyms")))
#define __weak __attribute__((weak))
#define NULL ((void *)0)
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define bpf_ksym_exists(sym) ({ _Static_assert(!__builtin_constant_p(!!sym), #sym " is not weak"); !!sym; })

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *) 1;
static u64 (*bpf_ktime_get_ns)(void) = (void *) 5;
static u32 (*bpf_get_prandom_u32)(void) = (void *) 7;
static struct task_struct *(*bpf_get_current_task_btf)(void) = (void *) 158;
static long (*bpf_timer_init)(void *timer, void *map, u64 flags) = (void *) 169;
static long (*bpf_timer_set_callback)(void *timer, void *callback_fn) = (void *) 170;
static long (*bpf_loop)(u32 nr_loops, void *callback_fn, void *callback_ctx, u64 flags) = (void *) 181;
static long (*bpf_dynptr_from_mem)(void *data, u64 size, u64 flags, struct bpf_dynptr *ptr) = (void *) 197;
