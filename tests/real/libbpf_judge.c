/* Asks libbpf's own code how it resolves the function ksyms of objects against the BTF of kernels.
 *
 *     libbpf_judge KERNEL_BTF... < list of objects
 *
 * A line for each extern function and kernel: object, extern, index of the kernel, and what libbpf makes of it: "absent",
 * "incompatible" or "resolved". The two functions below are libbpf's; they are not exported, but a static library has
 * them.
 */
#include <bpf/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t bpf_core_essential_name_len(const char *name);
int bpf_core_types_are_compat(const struct btf *local, unsigned local_id, const struct btf *kernel, unsigned kernel_id);

static const char *resolve(const struct btf *local, const struct btf_type *func, const struct btf *kernel)
{
	const char *name = btf__name_by_offset(local, func->name_off);
	char *essential = strndup(name, bpf_core_essential_name_len(name));
	int id = btf__find_by_name_kind(kernel, essential, BTF_KIND_FUNC);

	free(essential);
	if (id < 0)
		return "absent";
	if (bpf_core_types_are_compat(local, func->type, kernel, btf__type_by_id(kernel, id)->type) <= 0)
		return "incompatible";
	return "resolved";
}

int main(int argc, char **argv)
{
	struct btf *kernels[16];
	char path[4096];
	int i, k;

	for (k = 1; k < argc && k <= 16; k++) {
		kernels[k - 1] = btf__parse_raw(argv[k]);
		if (!kernels[k - 1])
			return 1;
	}
	while (fgets(path, sizeof(path), stdin)) {
		struct btf *local;
		int id, count;

		path[strcspn(path, "\n")] = 0;
		local = btf__parse_elf(path, NULL);
		if (!local)
			continue;
		count = btf__type_cnt(local);
		for (id = 1; id < count; id++) {
			const struct btf_type *section = btf__type_by_id(local, id);
			const struct btf_var_secinfo *member = btf_var_secinfos(section);

			if (!btf_is_datasec(section) || strcmp(btf__name_by_offset(local, section->name_off), ".ksyms"))
				continue;
			for (i = 0; i < btf_vlen(section); i++) {
				const struct btf_type *func = btf__type_by_id(local, member[i].type);

				if (!btf_is_func(func))
					continue;
				for (k = 0; k < argc - 1; k++)
					printf("%s\t%s\t%d\t%s\n", path, btf__name_by_offset(local, func->name_off), k,
					       resolve(local, func, kernels[k]));
			}
		}
		btf__free(local);
	}
	return 0;
}
