"""The header of a kernel's kfuncs: clang compiles it, and libbpf resolves each of its externs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.kernel import libbpf
from kfunc_lsp.kernel.header import kernel_header
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import bundled, resolve
from tests.btfbuilder import VOID, BtfBuilder

pytestmark = pytest.mark.skipif(shutil.which("clang-19") is None, reason="needs clang-19")


def outcomes(of: Kernel, tmp_path: Path) -> dict[str, libbpf.Resolution]:
    """What libbpf makes of each extern in an object that takes the address of all."""
    (tmp_path / "kfuncs.h").write_text(kernel_header(of))
    names = [f.name + ("___kernel" if "___" in f.name else "") for f in of.kfuncs() if f.callable]
    uses = "".join(f"\tsink = (void *){name};\n" for name in names)
    source = tmp_path / "all.bpf.c"
    source.write_text(f'#include "kfuncs.h"\nvoid *volatile sink;\nint all(void)\n{{\n{uses}\treturn 0;\n}}\n')
    target = tmp_path / "all.o"
    command = ["clang-19", "-target", "bpf", "-Wall", "-Werror", "-g", "-O2", "-mcpu=v3", "-I", str(tmp_path)]
    subprocess.run([*command, "-c", str(source), "-o", str(target)], check=True, timeout=60)
    with target.open("rb") as file:
        section = ELFFile(file).get_section_by_name(".BTF")
        assert section is not None
        btf = Btf.parse(section.data())
    found = {}
    for name in names:
        (func_id,) = btf.find(name, Kind.FUNC)
        found[name] = libbpf.resolve(of.find(libbpf.essential_name(name)), btf.func_proto(func_id))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("release", bundled())
def test_every_extern_resolves(release: str, tmp_path: Path) -> None:
    found = outcomes(resolve(release), tmp_path)
    assert {name: one.reason for name, one in found.items() if one.outcome is not libbpf.Outcome.RESOLVED} == {}


def test_types_that_c_spells_in_its_own_way(tmp_path: Path) -> None:
    b = BtfBuilder()
    fwd, struct, union = b.fwd("s"), b.struct("s"), b.union("s")
    types = {
        "only_declared": b.ptr(fwd),
        "defined": b.ptr(struct),
        "a_union_of_that_name": b.ptr(b.const(union)),
        "callback": b.ptr(b.proto(b.ptr(b.typedef("s", b.ptr(union))), [("x", b.ptr(fwd))])),
        "typedef": b.ptr(b.array(b.typedef("s", b.ptr(struct)), 3)),
        "anonymous_enum": b.typedef("choice", b.raw(Kind.ENUM, "", 4)),
        "anonymous_struct": b.ptr(b.typedef("pair", b.raw(Kind.STRUCT))),
        "tagged": b.ptr(b.type_tag("rcu", b.fwd("t"))),
    }
    for name, param in types.items():
        b.kfunc(f"bpf_{name}", VOID, [("p", param)])
    found = outcomes(b.kernel(), tmp_path)
    assert len(found) == len(types)
    assert {name: one.reason for name, one in found.items() if one.outcome is not libbpf.Outcome.RESOLVED} == {}


def test_a_builtin_type_is_not_defined_again(tmp_path: Path) -> None:
    b = BtfBuilder()
    built_in = b.typedef("__builtin_va_list", b.array(b.struct("__va_list_tag"), 1))
    b.kfunc("bpf_va", VOID, [("args", b.typedef("va_list", built_in))])
    assert list(outcomes(b.kernel(), tmp_path)) == ["bpf_va"]
