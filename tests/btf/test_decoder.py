"""The BTF decoder: wire format, both byte orders, split, layout, and data that lies."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    FuncProto,
    Fwd,
    Int,
    Kind,
    Param,
    Ptr,
    Struct,
    Typedef,
    Unknown,
    Void,
)
from kfunc_lsp.errors import BtfError
from tests.btfbuilder import VOID, BtfBuilder

HEADER = "<HBBIIIII"


def small(*, big_endian: bool = False) -> BtfBuilder:
    b = BtfBuilder(big_endian=big_endian)
    task = b.ptr(b.const(b.struct("task_struct")))
    u32 = b.typedef("u32", b.integer("unsigned int"))
    func = b.function("bpf_foo", u32, [("p", task), ("flags__k", u32)])
    b.decl_tag("bpf_kfunc", func)
    b.decl_tag("on_a_param", func, 1)
    return b


@pytest.mark.parametrize("big_endian", [False, True])
def test_reads_either_byte_order(big_endian: bool) -> None:
    btf = small(big_endian=big_endian).parse()
    (func,) = btf.find("bpf_foo", Kind.FUNC)
    u32 = Typedef("u32", Int("unsigned int", 4))
    assert btf.func_proto(func) == FuncProto(
        u32, (Param("p", Ptr(Const(Struct("task_struct")))), Param("flags__k", u32))
    )
    assert btf.decl_tags("bpf_kfunc") == [(func, -1)]
    assert btf.decl_tags("on_a_param") == [(func, 1)]
    assert btf.param_names(func) == ["p", "flags__k"]


def test_kinds_and_names_by_id() -> None:
    b = BtfBuilder()
    ids = {
        b.fwd("f"): Fwd("f"),
        b.fwd("g", is_union=True): Fwd("g", is_union=True),
        b.enum("e"): Enum("e"),
        b.enum("w", wide=True): Enum("w", wide=True),
        b.array(b.ptr(), 3): Array(Ptr(Void()), 3),
    }
    btf = b.parse()
    for type_id, value in ids.items():
        assert btf.type(type_id) == value
    assert [btf.name(i) for i in ids] == ["f", "g", "e", "w", ""]
    assert btf.kind(next(iter(ids))) == Kind.FWD
    assert (btf.kind(0), btf.name(0), btf.type(0)) == (Kind.VOID, "", Void())


def test_a_variadic_prototype_counts_one_more_parameter() -> None:
    b = BtfBuilder()
    func = b.function("f", VOID, [("fmt", b.ptr())], variadic=True)
    proto = b.parse().func_proto(func)
    assert (proto.variadic, len(proto.params), proto.vlen) == (True, 1, 2)


def test_finds_names_that_share_a_tail() -> None:
    b = BtfBuilder()
    offset = b.string("bpf_obj_new_impl")
    proto = b.proto()
    whole = b.raw(Kind.FUNC, offset, proto)
    tail = b.raw(Kind.FUNC, offset + len("bpf_"), proto)
    bare = b.raw(Kind.FUNC, offset + len("bpf_obj_new"), proto)
    btf = b.parse()
    assert btf.find("obj_new_impl", Kind.FUNC) == [tail]
    assert dict(btf.names_ending("_impl", Kind.FUNC)) == {
        whole: "bpf_obj_new_impl",
        tail: "obj_new_impl",
        bare: "_impl",
    }
    assert btf.find("new", Kind.FUNC) == []


def test_finds_every_type_of_a_name_and_kind() -> None:
    b = BtfBuilder()
    first, second, third = (b.function("twin") for _ in range(3))
    shared = b.raw(Kind.FUNC, "alone", b.proto())
    b.struct("twin")
    btf = b.parse()
    assert btf.find("twin", Kind.FUNC) == [first, second, third]
    assert btf.find("alone", Kind.FUNC) == [shared]
    assert btf.find("absent", Kind.FUNC) == []
    found = sorted(btf.find_any({"twin", "alone", "absent", "win"}, Kind.FUNC))
    assert found == [(first, "twin"), (second, "twin"), (third, "twin"), (shared, "alone")]


def test_two_types_of_one_name_offset() -> None:
    b = BtfBuilder()
    offset, proto = b.string("twin"), b.proto()
    ids = [b.raw(Kind.FUNC, offset, proto) for _ in range(3)]
    assert b.parse().find("twin", Kind.FUNC) == ids


@pytest.mark.parametrize("big_endian", [False, True])
def test_split_btf_goes_on_where_its_base_ends(big_endian: bool) -> None:
    base = BtfBuilder(big_endian=big_endian)
    task = base.ptr(base.struct("task_struct"))
    base_name = base.string("nf_conn_get")
    base.kfunc("bpf_base")
    b = BtfBuilder(base, big_endian=big_endian)
    own = b.kfunc("bpf_ct_lookup", task, [("p", task)])
    borrowed = b.raw(Kind.FUNC, base_name, b.proto())
    btf = b.parse()
    assert btf.base is not None
    assert own > btf.base.type_count
    assert prototype(btf.name(own), btf.func_proto(own)) == "struct task_struct *bpf_ct_lookup(struct task_struct *p);"
    assert btf.find("bpf_ct_lookup", Kind.FUNC) == [own]
    assert btf.find("nf_conn_get", Kind.FUNC) == [borrowed]
    assert btf.find("bpf_base", Kind.FUNC) == []
    names = {"nf_conn_get", "bpf_base", "bpf_ct_lookup"}
    assert sorted(btf.find_any(names, Kind.FUNC)) == [(own, "bpf_ct_lookup"), (borrowed, "nf_conn_get")]
    assert btf.decl_tags("bpf_kfunc") == [(own, -1)]
    assert btf.name(task) == ""
    assert btf.kind(task) == Kind.PTR


def test_split_btf_without_its_base_is_an_error() -> None:
    base = BtfBuilder()
    base.struct("task_struct")
    b = BtfBuilder(base)
    b.kfunc("bpf_ct_lookup")
    with pytest.raises(BtfError, match="string section"):
        Btf.parse(b.build())


def test_layout_steps_over_kinds_to_come() -> None:
    b = BtfBuilder(layout={40: (4, 8), 41: (0, 0)})
    b.raw(40, "novelty", vlen=2, kflag=True, extra=[1, 2, 3, 4, 5])
    novel = b.raw(41, "nova")
    func = b.function("bpf_foo", VOID, [("p", b.ptr(novel))])
    btf = b.parse()
    assert btf.kind(novel) == 41
    assert btf.func_proto(func).params == (Param("p", Ptr(Unknown("nova"))),)


@pytest.mark.parametrize("layout", [None, {40: (4, 8)}, {41: (1, 0)}])
def test_an_unknown_kind_that_nothing_describes_is_an_error(
    layout: dict[int, tuple[int, int]] | None,
) -> None:
    b = BtfBuilder(layout=layout)
    b.struct("before")
    b.raw(41, "nova")
    b.struct("after")
    with pytest.raises(BtfError, match="record 2 has kind 41"):
        b.parse()


def test_a_longer_header_is_read_by_its_length() -> None:
    data = small().build()
    longer = data[:4] + struct.pack("<I", 48) + data[8:24] + bytes(24) + data[24:]
    assert Btf.parse(longer).find("bpf_foo", Kind.FUNC)


def with_header(**changes: int) -> bytes:
    data = small().build()
    names = ("magic", "version", "flags", "hdr_len", "type_off", "type_len", "str_off", "str_len")
    fields = dict(zip(names, struct.unpack_from(HEADER, data), strict=True)) | changes
    return struct.pack(HEADER, *fields.values()) + data[24:]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": 0x1234}, "magic"),
        ({"version": 2}, "version 2"),
        ({"hdr_len": 20}, "header of 20"),
        ({"hdr_len": 1 << 31}, "header of"),
        ({"type_len": 1 << 31}, "type section ends beyond"),
        ({"str_len": 0xFFFFFFFF}, "string section ends beyond"),
        ({"str_off": 0xFFFFFFFF}, "string section ends beyond"),
        ({"type_off": 2, "type_len": 4}, "aligned"),
        ({"type_len": 4}, "record 0 does not end"),
        ({"type_len": 16}, "does not end with the type section"),
        ({"str_len": 1 << 3}, "NUL"),
        ({"str_len": 0}, "NUL"),
    ],
)
def test_a_lying_header_is_one_error(changes: dict[str, int], message: str) -> None:
    with pytest.raises(BtfError, match=message):
        Btf.parse(with_header(**changes))


@pytest.mark.parametrize("size", [0, 1, 2, 23])
def test_a_cut_header_is_an_error(size: int) -> None:
    with pytest.raises(BtfError, match="too few"):
        Btf.parse(small().build()[:size])


def test_a_cut_section_is_an_error() -> None:
    data = small().build()
    for size in range(24, len(data)):
        with pytest.raises(BtfError):
            Btf.parse(data[:size])


def test_the_first_kind_is_not_a_record() -> None:
    b = BtfBuilder()
    b.raw(0)
    with pytest.raises(BtfError, match="kind 0"):
        b.parse()


@pytest.mark.parametrize("kind", [Kind.PTR, Kind.CONST, Kind.TYPEDEF, Kind.TYPE_TAG, Kind.FUNC_PROTO])
def test_a_reference_to_itself_is_an_error(kind: Kind) -> None:
    b = BtfBuilder()
    b.raw(kind, "x", 1)
    with pytest.raises(BtfError, match="refers to itself"):
        b.parse().type(1)


def test_a_circle_of_arrays_is_an_error() -> None:
    b = BtfBuilder()
    b.raw(Kind.ARRAY, extra=(2, 2, 1))
    b.raw(Kind.TYPEDEF, "t", 1)
    with pytest.raises(BtfError, match="refers to itself"):
        b.parse().type(1)


@pytest.mark.parametrize("ask_inner_first", [True, False])
def test_a_chain_that_would_exhaust_the_stack_is_an_error(ask_inner_first: bool) -> None:
    b = BtfBuilder()
    chain = [b.ptr()]
    while len(chain) < 5000:
        chain.append(b.ptr(chain[-1]))
    btf = b.parse()
    assert hash(btf.type(chain[150])) == hash(b.parse().type(chain[150]))
    for type_id in chain[:159] if ask_inner_first else ():
        btf.type(type_id)
    for type_id in (chain[160], chain[-1]):
        with pytest.raises(BtfError, match="damaged"):
            btf.type(type_id)


def test_types_that_multiply_are_an_error() -> None:
    b = BtfBuilder()
    inner = b.ptr()
    for _ in range(20):
        inner = b.ptr(b.proto(VOID, [("a", inner), ("b", inner)]))
    with pytest.raises(BtfError, match="more than"):
        b.parse().type(inner)


def test_ids_and_names_outside_are_errors() -> None:
    b = BtfBuilder()
    far = b.ptr(999)
    nameless = b.raw(Kind.STRUCT, 999)
    no_type = b.ptr(b.function("f"))
    no_proto = b.raw(Kind.FUNC, "g", far)
    btf = b.parse()
    for broken in (lambda: btf.type(far), lambda: btf.type(-1), lambda: btf.record(btf.type_count)):
        with pytest.raises(BtfError, match="no type id"):
            broken()
    for ask in (btf.name, btf.type, btf.record):
        with pytest.raises(BtfError, match="name offset 999"):
            ask(nameless)
    with pytest.raises(BtfError, match="is a FUNC where a type"):
        btf.type(no_type)
    with pytest.raises(BtfError, match="no type id 999"):
        btf.func_proto(no_proto)
    with pytest.raises(BtfError, match="does not refer to a FUNC_PROTO"):
        btf.param_names(no_proto)
    with pytest.raises(BtfError, match="is no FUNC"):
        btf.func_proto(far)
    with pytest.raises(BtfError, match="void"):
        btf.record(0)


def test_names_that_are_not_utf8_are_replaced() -> None:
    b = BtfBuilder()
    odd = b.raw(Kind.STRUCT, b.string(b"a\xff"))
    assert b.parse().name(odd) == "a\N{REPLACEMENT CHARACTER}"


def read_everything(data: bytes) -> None:
    """Ask ``data`` for all that it has: the only way out is a value or a ``BtfError``."""
    btf = Btf.parse(data)
    list(btf.names_ending("_foo", Kind.FUNC))
    btf.find("bpf_foo", Kind.FUNC)
    btf.decl_tags("bpf_kfunc")
    for type_id in range(btf.type_count):
        for ask in (btf.name, btf.kind, btf.record, btf.type, btf.func_proto, btf.param_names):
            try:
                ask(type_id)
            except BtfError:
                continue


SOUND = small().build()


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.integers(0, 255)), min_size=1, max_size=8),
    st.integers(0, len(SOUND)),
)
def test_damaged_data_gives_a_value_or_a_btf_error(changes: list[tuple[int, int]], keep: int) -> None:
    data = bytearray(SOUND)
    for at, value in changes:
        data[at] = value
    for damaged in (bytes(data), bytes(data[:keep])):
        try:
            read_everything(damaged)
        except BtfError as error:
            assert str(error).startswith("BTF: ")  # noqa: PT017 - either outcome is right, the text is not free


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_noise_after_a_sound_header_gives_a_value_or_a_btf_error(noise: bytes) -> None:
    types = noise[: len(noise) // 2 // 4 * 4]
    strings = b"\0" + noise[len(types) :] + b"\0"
    header = struct.pack(HEADER, 0xEB9F, 1, 0, 24, 0, len(types), len(types), len(strings))
    try:
        read_everything(header + types + strings)
    except BtfError as error:
        assert str(error).startswith("BTF: ")  # noqa: PT017 - either outcome is right, the text is not free
