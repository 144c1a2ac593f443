"""BPF instructions, as they are stored.

Facts of ``include/uapi/linux/bpf.h`` and of the instruction set's standard (RFC 9669). An instruction's index counts
slots of eight bytes, so that a jump's offset can be added to it; the second slot of an ``ld_imm64`` is an instruction
of its own that nobody reaches.
"""

from __future__ import annotations

import struct

from kfunc_lsp.dataclass import NamedTuple

SLOT = 8
LD, LDX, ST, STX, ALU, JMP, JMP32, ALU64 = range(8)
LD_IMM64 = 0x18
CALL, CALL_BY_REGISTER, EXIT, JUMP, JUMP_FAR = 0x85, 0x8D, 0x95, 0x05, 0x06
MAY_GOTO = 0xE5
MOVE = 0xBF
"""``rX = rY``, all 64 bits."""
ARGUMENTS = range(1, 6)
"""The registers that pass arguments."""
BY_REGISTER = 0x08
"""``BPF_X``: the second operand is a register."""
PSEUDO_CALL = 1
"""``src`` of a call of another function of the program (``BPF_PSEUDO_CALL``)."""

_NOT_CONDITIONAL = (CALL, CALL_BY_REGISTER, EXIT, JUMP, JUMP_FAR)


class Instruction(NamedTuple):
    """One slot: the members of ``struct bpf_insn``."""

    code: int
    dst: int
    src: int
    off: int
    imm: int

    @property
    def klass(self) -> int:
        """``BPF_CLASS``."""
        return self.code & 7

    @property
    def operation(self) -> int:
        """``BPF_OP`` of arithmetic and of jumps."""
        return self.code & 0xF0

    @property
    def is_conditional(self) -> bool:
        """Whether it goes one of two ways (``may_goto`` included)."""
        return self.klass in (JMP, JMP32) and self.code not in _NOT_CONDITIONAL

    @property
    def target(self) -> int:
        """Where a jump goes, in slots from the next instruction."""
        return self.imm if self.code == JUMP_FAR else self.off


def decode(data: bytes, order: str) -> list[Instruction]:
    """The slots of ``data`` (a last one that is cut is left out); ``order`` is ``<`` or ``>``."""
    little = order == "<"
    found = []
    for code, registers, off, imm in struct.iter_unpack(order + "BBhi", data[: len(data) - len(data) % SLOT]):
        low, high = registers & 15, registers >> 4
        found.append(Instruction(code, low, high, off, imm) if little else Instruction(code, high, low, off, imm))
    return found
