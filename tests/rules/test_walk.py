"""Functions of odd shapes are walked to their end."""

from __future__ import annotations

from kfunc_lsp.check import check, known_names
from kfunc_lsp.kernel.targets import resolve
from tests.programs import unit

PROGRAM = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
SEC("syscall") int prog(void *ctx)
{
        struct task_struct *p = bpf_task_from_pid(1);
        int n = 0;
        switch (bpf_get_prandom_u32()) {
        case 1:
                return 1;
                do {
        case 2:
                        n++;
                } while (n < 3 && bpf_get_prandom_u32());
        }
        return 0;
}
"""


def test_a_jump_into_a_loop_is_followed() -> None:
    kernel = resolve("7.3")
    found = [f.rule.name for f in check(unit(PROGRAM, known_names([kernel])), [kernel])]
    assert found == ["unreleased-reference"]
