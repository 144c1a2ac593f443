"""A BTF cut down to some functions says of them what the whole one says."""

from __future__ import annotations

import pytest

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.minimise import minimise
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.errors import BtfError
from tests.btfbuilder import VOID, BtfBuilder


@pytest.mark.parametrize("big_endian", [False, True])
def test_keeps_what_a_prototype_leads_to_and_nothing_else(big_endian: bool) -> None:
    b = BtfBuilder(big_endian=big_endian)
    b.struct("not_wanted")
    b.kfunc("bpf_other")
    member = b.integer("unsigned long", 8)
    body = b.raw(Kind.STRUCT, "task_struct", 64, vlen=1, extra=(b.string("field"), member, 0))
    values = b.raw(Kind.ENUM, "choice", 4, vlen=1, kflag=True, extra=(b.string("ONE"), 1))
    arena = b.ptr(b.type_tag("address_space(1)", VOID, is_attribute=True))
    callback = b.ptr(b.proto(b.typedef("s32", b.integer()), [("p", b.ptr(b.const(body)))]))
    params = [("cb", callback), ("a", arena), ("u", b.ptr(b.fwd("u", is_union=True))), ("e", values)]
    wanted = b.kfunc("bpf_foo", VOID, [*params, ("arr", b.ptr(b.array(body, 7)))], variadic=True)
    b.decl_tag("other_tag", wanted)
    whole = b.parse()
    data, new_ids = minimise(whole, [wanted], "bpf_kfunc")
    small = Btf.parse(data)
    func = new_ids[wanted]
    assert small.find("bpf_foo", Kind.FUNC) == [func]
    assert small.func_proto(func) == whole.func_proto(wanted)
    assert small.decl_tags("bpf_kfunc") == [(func, -1)]
    assert small.decl_tags("other_tag") == []
    assert small.record(func).vlen == 1
    names = {small.name(type_id) for type_id in range(small.type_count)}
    assert not names & {"not_wanted", "bpf_other", "unsigned long"}
    assert list(new_ids) == sorted(new_ids)


def test_is_the_same_whichever_way_the_functions_are_listed() -> None:
    b = BtfBuilder()
    first, second = b.kfunc("bpf_a", b.ptr(b.struct("s"))), b.kfunc("bpf_b", b.integer())
    btf = b.parse()
    data, _ = minimise(btf, [first, second], "bpf_kfunc")
    assert minimise(btf, [second, first], "bpf_kfunc")[0] == data
    again = Btf.parse(data)
    assert minimise(again, again.ids_of(Kind.FUNC), "bpf_kfunc")[0] == data


def test_a_kind_that_cannot_be_written_is_an_error() -> None:
    b = BtfBuilder(layout={40: (0, 0)})
    func = b.function("f", b.ptr(b.raw(40, "nova")))
    with pytest.raises(BtfError, match="kind 40"):
        minimise(b.parse(), [func], "bpf_kfunc")
