"""Program types out of machine code: a small kernel for each form."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.image.code import Code, Section
from kfunc_lsp.kernel.classify import build_kernel
from kfunc_lsp.kernel.model import FunctionClass, Hook, Kernel, Provenance
from tests.btfbuilder import BtfBuilder
from tests.image.kernelbuilder import KPROBE, LSM, REGISTER, STRUCT_OPS, TEXT, TRACING, XDP, KernelBuilder


def sets(*flags: tuple[int, ...]) -> BtfBuilder:
    """A kernel with ``bpf_0``, ``bpf_1``, …, each in as many sets as it has flags."""
    b = BtfBuilder()
    for number, each in enumerate(flags):
        b.kfunc(f"bpf_{number}", flags=each)
    return b


def index(image: KernelBuilder, code: Code | None = None) -> Kernel:
    return build_kernel(
        image.btf.parse(),
        image.ids,
        name="k",
        release="k",
        provenance=Provenance("image", "k", ""),
        code=code or image.code(),
    )


def hooks(kernel: Kernel, name: str) -> dict[str, Hook] | None:
    found = kernel.functions[name].hooks
    return None if found is None else {hook.name: hook for hook in found}


def test_each_registration_gives_a_hook_with_the_flags_of_its_set() -> None:
    image = KernelBuilder(sets((1, 0x20)))
    image.register(0, XDP)
    image.register(1, LSM)
    image.register(1, TRACING)
    kernel = index(image)
    assert kernel.functions["bpf_0"].hooks == (
        Hook("TRACING", 0x20, False, False, ("BPF_PROG_TYPE_LSM", "BPF_PROG_TYPE_TRACING")),
        Hook("XDP", 1, False, False, ("BPF_PROG_TYPE_XDP",)),
    )
    assert kernel.hooks_known
    assert "program types" in kernel.provenance.detail


def test_a_set_for_every_program_type() -> None:
    image = KernelBuilder(sets((0,)))
    image.register(0, 0)
    assert list(hooks(index(image), "bpf_0") or ()) == ["COMMON"]


def test_what_is_registered_for_fmod_ret_alone_is_not_callable() -> None:
    image = KernelBuilder(sets((0, 0), (0,)))
    image.register(0, None)
    image.register(1, XDP)
    kernel = index(image)
    assert kernel.functions["bpf_0"].klass == FunctionClass.KFUNC
    assert set(hooks(kernel, "bpf_0") or ()) == {"FMODRET", "XDP"}
    assert kernel.functions["bpf_1"].klass == FunctionClass.NOT_CALLABLE


def test_filters() -> None:
    b = BtfBuilder()
    b.kfunc("bpf_0", flags=(0, 0))
    own = KernelBuilder(b)
    own.register(0, STRUCT_OPS, looks_at=[0])
    own.register(1, KPROBE)
    found = hooks(index(own), "bpf_0")
    assert found is not None
    assert (found["STRUCT_OPS"].filtered, found["STRUCT_OPS"].crossed) == (True, False)
    assert (found["KPROBE"].filtered, found["KPROBE"].crossed) == (False, False)


def test_a_filter_of_the_same_hook_that_looks_at_another_set() -> None:
    image = KernelBuilder(sets((0, 0, 0)))
    image.register(0, STRUCT_OPS, looks_at=[0, 1])
    image.register(1, STRUCT_OPS)
    image.register(1, KPROBE)
    image.register(2, STRUCT_OPS)
    kernel = index(image)
    found = hooks(kernel, "bpf_0")
    assert found is not None
    assert found["STRUCT_OPS"].crossed
    assert not found["KPROBE"].crossed


def test_a_program_type_in_a_variable_is_unknown() -> None:
    image = KernelBuilder(sets((0, 0)))
    image.register(0, XDP)
    image.register(0, XDP)
    low = struct.pack("<I", image.kset(1) & 0xFFFFFFFF)
    image.emit(b"\x90" * 40 + b"\x48\xc7\xc6" + low + b"\x8b\x3b", REGISTER)
    kernel = index(image)
    assert hooks(kernel, "bpf_0") is None
    assert not kernel.hooks_known


def test_the_type_before_the_set_and_a_position_independent_kernel() -> None:
    image = KernelBuilder(sets((0, 0)))
    low = struct.pack("<I", image.kset(0) & 0xFFFFFFFF)
    image.emit(b"\xbf\x06\0\0\0\x48\xc7\xc6" + low, REGISTER)
    kset = image.kset(1)
    relative = struct.pack("<i", kset - (image.place() + 5 + 7))
    image.emit(b"\xbf\x1d\0\0\0\x48\x8d\x35" + relative, REGISTER)
    assert set(hooks(index(image), "bpf_0") or ()) == {"XDP", "TRACING"}


def test_an_address_in_another_register_is_not_followed() -> None:
    image = KernelBuilder(sets((0, 0)))
    image.register(0, XDP)
    image.register(1, XDP)
    low = struct.pack("<I", image.kset(1) & 0xFFFFFFFF)
    image.emit(b"\x49\xc7\xc4" + low + b"\xbf\x03\0\0\0\x4c\x89\xe6", REGISTER)
    assert hooks(index(image), "bpf_0") is None


def test_other_calls_with_the_struct_are_no_registration() -> None:
    image = KernelBuilder(sets((0, 0)))
    image.register(0, XDP)
    image.register(0, XDP)
    low = struct.pack("<I", image.kset(1) & 0xFFFFFFFF)
    image.emit(b"\x48\xc7\xc6" + low + b"\xbf\x06\0\0\0", TEXT + 0x60)
    assert hooks(index(image), "bpf_0") is None


def test_sets_of_kernels_without_header_words() -> None:
    b = BtfBuilder()
    b.raw(4, "btf_kfunc_id_set", 16, vlen=2, extra=(b.string("owner"), 0, 0, b.string("set"), 0, 64))
    b.kfunc("bpf_0", flags=0x5, tagged=False)
    image = KernelBuilder(b, has_filter=False)
    at = image.ids.index(struct.pack("<II", 1, 1))
    image.ids = image.ids[: at + 4] + bytes(4) + image.ids[at + 8 :]
    image.register(0, XDP)
    kernel = index(image)
    assert kernel.functions["bpf_0"].flags == 5
    assert set(hooks(kernel, "bpf_0") or ()) == {"XDP"}


def test_sets_at_the_end_of_the_address_space_have_no_registrations() -> None:
    image = KernelBuilder(sets((0,)))
    image.register(0, XDP)
    code = image.code()
    kernel = index(image, Code(code.arch, code.sections, (1 << 64) - 4, {}))
    assert hooks(kernel, "bpf_0") is None


@pytest.mark.parametrize("arch", ["aarch64", "riscv", "s390"])
def test_other_machines_code_is_not_read(arch: str) -> None:
    image = KernelBuilder(sets((3,)))
    image.register(0, XDP)
    code = image.code()
    kernel = index(image, Code(arch, code.sections, code.ids_address, {}))
    assert kernel.functions["bpf_0"].flags == 3
    assert hooks(kernel, "bpf_0") is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), min_size=1, max_size=8), st.integers(0, 600))
def test_damaged_code_gives_an_index(changes: list[tuple[int, int]], keep: int) -> None:
    image = KernelBuilder(sets((0, 0), (0,)))
    image.register(0, XDP, looks_at=[0, 1])
    image.register(1, None)
    code = image.code()
    damaged = []
    for section in code.sections:
        data = bytearray(section.data)
        for at, value in changes:
            data[at % len(data)] = value
        damaged.append(Section(section.name, section.address, bytes(data[:keep]), section.executable))
    kernel = index(image, Code(code.arch, tuple(damaged), code.ids_address, {}))
    assert set(kernel.functions) == {"bpf_0", "bpf_1"}
