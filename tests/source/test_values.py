"""What arguments come to: what is certain, and what could be otherwise."""

from __future__ import annotations

import pytest

from kfunc_lsp.unit.value import Holds, Value
from tests.programs import unit

HEAD = """
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#define SIZE 16
#define SAME(x) (x)
#define MOVED NULL
#undef MOVED
#define MOVED data
#define SNEAKS (n = 3)
extern int f(void *argument, int n) __ksym;
extern int CONFIG_HZ __kconfig;
char data[64], *text = "x";
const char frozen[] = "x";
char also_frozen[4] SEC(".rodata.x");
static int never_written;
const volatile int configured;
int changing;
const char *pointers[2];
char __attribute__((address_space(1))) arena[4];
struct { __uint(type, 1); } map SEC(".maps"), other_map SEC(".maps");
static int callback(void *map, int *key, void *value) { return 0; }
static __attribute__((noinline)) int asks(struct __sk_buff *ctx) { return ctx->mark == 3; }
"""


def value(argument: str, before: str = "", parameter: str = "") -> Value | None:
    """What ``argument`` of a call is, behind the statements ``before``."""
    text = f'{HEAD}SEC("tc") int p(struct __sk_buff *ctx{parameter}) {{ {before}; f({argument}, 1); return 0; }}'
    (use,) = [use for use in unit(text).uses if use.argument_count == 2]
    return use.value(0)


@pytest.mark.parametrize(
    ("argument", "number"),
    [
        ("NULL", 0),
        ("0", 0),
        ("(struct foo *)0", 0),
        ("SAME(NULL)", 0),
        ("SIZE", 16),
        ("0x10UL", 16),
        ("010", 8),
        ("-1", (1 << 64) - 1),
        ("~0", (1 << 64) - 1),
        ("SIZE * 2 - 1", 31),
        ("sizeof(data)", None),
        ("(u8)256", None),
        ("'a'", None),
        ("1 << 3 | 1", None),
    ],
)
def test_constants(argument: str, number: int | None) -> None:
    assert value(argument) == Value(Holds.CONSTANT, number)


@pytest.mark.parametrize(
    ("argument", "before", "holds"),
    [
        ('"a" "b"', "", Holds.READ_ONLY),
        ("frozen", "", Holds.READ_ONLY),
        ("also_frozen", "", Holds.READ_ONLY),
        ("s", 'static const char s[] = "x"', Holds.READ_ONLY),
        ("s", 'const char s[] = "x"', Holds.STACK),
        ("s", 'static char s[] = "x"', Holds.DATA),
        ("buffer", "char buffer[8]", Holds.STACK),
        ("&buffer[2]", "char buffer[8]", Holds.STACK),
        ("buffer + 4", "char buffer[8]", Holds.STACK),
        ("(void *)&n", "int n", Holds.STACK),
        ("&s.x", "struct foo s", Holds.STACK),
        ("p", "struct foo s, *p = &s", Holds.STACK),
        ("data", "", Holds.DATA),
        ("&data[1]", "", Holds.DATA),
        ("&changing", "", Holds.DATA),
        ("pointers", "", Holds.DATA),
        ("&map", "", Holds.MAP),
        ("&other_map", "", Holds.MAP),
        ("e", "struct foo *e = bpf_map_lookup_elem(&map, data); if (!e) return e->x", Holds.MAP_VALUE),
        ("callback", "", Holds.FUNCTION),
        ("(void *)&callback", "", Holds.FUNCTION),
        ("bpf_get_prandom_u32()", "", Holds.NUMBER),
        ("n + 7", "u32 n = bpf_get_prandom_u32()", Holds.NUMBER),
        ("ctx->mark", "", Holds.VARYING),
        ("*(u32 *)ctx", "", Holds.VARYING),
        ("changing", "", Holds.VARYING),
        ("text", "", Holds.VARYING),
        ("n", "u32 n; n = ctx->mark", Holds.VARYING),
        ("p->x", "struct foo *p = bpf_map_lookup_elem(&map, data); if (!p) return 0", Holds.VARYING),
    ],
)
def test_addresses_and_what_only_the_running_program_knows(argument: str, before: str, holds: Holds) -> None:
    assert value(argument, before) == Value(holds)


@pytest.mark.parametrize(
    ("argument", "before"),
    [
        ("ctx->mark & 7", ""),
        ("ctx->mark % 3", ""),
        ("n", "u32 n = ctx->mark; if (n > SIZE * 4) return 0"),
        ("n", "u32 n = ctx->mark; if (n > 16) return 0"),
    ],
)
def test_numbers_with_a_bound(argument: str, before: str) -> None:
    assert value(argument, before) == Value(Holds.VARYING, is_bounded=True)


@pytest.mark.parametrize(
    ("argument", "before"),
    [
        ("n", "u32 n = bpf_get_prandom_u32(); if (n != 5) return 0"),
        ("MOVED", ""),
        ("ENUMERATOR", ""),
        ("never_written", ""),
        ("configured", ""),
        ("CONFIG_HZ", ""),
        ("arena", ""),
        ("map", ""),
        ("&p->x", "struct foo *p = NULL"),
        ("&p[1]", "char *p = data"),
        ("inner", "void *inner = bpf_map_lookup_elem(&map, data); if (!inner) return 0"),
        ("n", "int n = 0; g(&n)"),
        ("n", "int n = 0; n++"),
        ("n", "int n = 0; if (ctx->mark) n = 1"),
        ("n", "int n = 0; SNEAKS"),
        ("n", 'int n = 0; asm volatile("" : "+r"(n))'),
        ("n", "int n = 0; { int n = 1; }"),
        ("ctx->mark ? data : NULL", ""),
        ("ctx->mark & 0", ""),
        ("ctx->mark >> 16", ""),
        ("ctx->mark >= 0", ""),
        ("ctx->mark", "if (ctx->mark != 5) return 0"),
        ("ctx->mark", "if (!asks(ctx)) return 0"),
        ("ctx->mark", "ctx->mark = 5"),
        ("n", "u32 n = ctx->mark; switch (n) { case 3:; }"),
        ("n", "u32 n = ctx->mark; if (n < 4 || n > 4) return 0"),
        ("n", "u32 n = ctx->mark; if (n > 0) return 0"),
        ("n", "u32 n = ctx->mark; if (ctx->mark == 5)"),
        ("unknown()", ""),
        ("", ""),
    ],
)
def test_what_may_be_otherwise_is_not_said(argument: str, before: str) -> None:
    assert value(argument, before) is None


def test_parameters_are_whatever_callers_give() -> None:
    assert value("extra", parameter=", void *extra") is None
