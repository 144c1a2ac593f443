/* The few types that the fixtures use: a stand-in for the vmlinux.h that a program is compiled with. */
#pragma once

typedef unsigned char __u8, u8;
typedef int __s32, s32;
typedef unsigned int __u32, u32;
typedef unsigned long long __u64, u64;
typedef _Bool bool;

struct bpf_prog_aux {
	int id;
};

struct btf_struct_meta {
	u32 btf_id;
};

struct bpf_timer {
	u64 __opaque[2];
};

struct bpf_wq {
	u64 __opaque[2];
};

struct bpf_list_head {
	u64 __opaque[2];
};

struct bpf_list_node {
	u64 __opaque[3];
};

struct bpf_dynptr {
	u64 __opaque[2];
};

struct mm_struct {
	struct file *exe_file;
};

struct task_struct {
	int pid;
	struct mm_struct *mm;
};

struct file {
	int f_mode;
};

struct sock_common {
	u32 skc_hash;
};

struct xdp_md {
	u32 data;
};

struct cpumask {
	u64 bits[1];
};

struct sched_ext_ops {
	void (*enqueue)(struct task_struct *p, u64 enq_flags);
	void (*dispatch)(s32 cpu, struct task_struct *prev);
	char name[128];
};

struct __sk_buff {
	u32 len;
};

enum { BPF_MAP_TYPE_ARRAY = 2 };

struct cgroup {
	int level;
};

struct bpf_cpumask {
	struct cpumask cpumask;
};

struct bpf_iter_task {
	u64 __opaque[3];
};

struct bpf_iter_bits {
	u64 __opaque[2];
};

struct bpf_iter_num {
	u64 __opaque[1];
};
