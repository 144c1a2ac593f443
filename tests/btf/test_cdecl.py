"""C declarations as bpftool prints them. The five kernels' prototypes are in
``tests/kernel/test_bundled.py``."""

from __future__ import annotations

import pytest

from kfunc_lsp.btf.cdecl import declare, parameter, prototype
from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    Float,
    FuncProto,
    Fwd,
    Int,
    Param,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Unknown,
    Void,
    Volatile,
)

INT = Int("int", 4)
CHAR = Int("char", 1)
CALLBACK = FuncProto(INT, (Param("", Ptr(Void())), Param("n", INT)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (INT, "int x"),
        (Float("double", 8), "double x"),
        (Unknown("u33"), "u33 x"),
        (Typedef("u32", INT), "u32 x"),
        (Struct("s"), "struct s x"),
        (Union("u"), "union u x"),
        (Enum("e"), "enum e x"),
        (Fwd("s"), "struct s x"),
        (Fwd("u", is_union=True), "union u x"),
        (Ptr(Void()), "void *x"),
        (Ptr(Ptr(CHAR)), "char **x"),
        (Ptr(Const(CHAR)), "const char *x"),
        (Const(Ptr(CHAR)), "char * const x"),
        (Ptr(Const(Ptr(Const(CHAR)))), "const char * const *x"),
        (Const(Volatile(INT)), "volatile const int x"),
        (Restrict(Ptr(Void())), "void * restrict x"),
        (Ptr(Const(Void())), "const void *x"),
        (Array(INT, 4), "int x[4]"),
        (Array(Array(INT, 4), 2), "int x[2][4]"),
        (Array(Ptr(CHAR), 4), "char *x[4]"),
        (Ptr(Array(INT, 4)), "int (*x)[4]"),
        (Const(Array(INT, 4)), "int x[4]"),
        (Ptr(CALLBACK), "int (*x)(void *, int n)"),
        (Const(Ptr(CALLBACK)), "int (* const x)(void *, int n)"),
        (Array(Ptr(CALLBACK), 2), "int (*x[2])(void *, int n)"),
        (Ptr(FuncProto(Ptr(CALLBACK), ())), "int (* (*x)(void))(void *, int n)"),
        (Ptr(TypeTag("rcu", Struct("s"))), 'struct s __attribute__((btf_type_tag("rcu"))) *x'),
        (
            Ptr(TypeTag("address_space(1)", Const(Void()), is_attribute=True)),
            "const void __attribute__((address_space(1))) *x",
        ),
    ],
)
def test_declare(value: Type, text: str) -> None:
    assert declare("x", value) == text


def test_without_a_name_there_is_no_space_after_the_type() -> None:
    assert declare("", Ptr(Struct("s"))) == "struct s *"
    assert declare("", INT) == "int"
    assert declare("", Array(INT, 2)) == "int[2]"
    assert parameter(Param("", INT)) == "int"
    assert parameter(Param("p__ign", Ptr(Void()))) == "void *p__ign"


def test_prototypes() -> None:
    assert prototype("f", FuncProto(Void(), ())) == "void f(void);"
    assert prototype("f", FuncProto(Ptr(Void()), (Param("a", INT),))) == "void *f(int a);"
    assert prototype("f", FuncProto(INT, (Param("fmt", Ptr(CHAR)),), variadic=True)) == "int f(char *fmt, ...);"
    assert prototype("f", FuncProto(INT, (), variadic=True)) == "int f(void);"
    assert prototype("f", FuncProto(Ptr(CALLBACK), (Param("a", INT),))) == "int (*f(int a))(void *, int n);"
