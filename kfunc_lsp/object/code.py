"""The code sections of an object: their functions, and what each instruction refers to."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property

from kfunc_lsp.btf.types import Enum as EnumType
from kfunc_lsp.btf.types import FuncProto, Int, Ptr, skip_modifiers_and_typedefs
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.object.conditions import Conditions, Scope
from kfunc_lsp.object.elf import BpfElf, Relocation, Symbol
from kfunc_lsp.object.instructions import (
    ALU,
    ALU64,
    ARGUMENTS,
    CALL,
    JMP,
    JMP32,
    LD,
    LD_IMM64,
    LDX,
    MOVE,
    PSEUDO_CALL,
    SLOT,
    Instruction,
    decode,
)
from kfunc_lsp.object.values import SOMETHING, Global, Number, Pointer, Simple
from kfunc_lsp.unit.value import Holds

TEXT = ".text"
"""The section of functions that the kernel does not call: subprograms."""

_READ_ONLY = (".rodata", ".kconfig")
_WRITABLE = (".data", ".bss")
_MAPS = ".maps"
_GIVE_POINTERS = frozenset(
    (
        *(1, 81, 84, 85, 95, 96, 98, 99, 107, 131, 136, 137, 138, 139, 140, 145),
        *(153, 154, 156, 158, 162, 178, 194, 195, 196, 203, 210),
    )
)
"""Numbers of the helpers that return a pointer (``bpf_helper_defs.h``); no helper has been added since."""
_NEVER_RETURNS = "bpf_throw"


class Body(NamedTuple):
    """A function: its symbol, and its slots in the section."""

    symbol: Symbol
    start: int
    end: int


class Reference(NamedTuple):
    """Slot ``at`` calls function ``name`` of the object, or takes its address."""

    at: int
    name: str
    is_call: bool


class CodeSection:
    """One section of instructions, read at once: the file may be closed afterwards.

    ``prototypes`` are those of the ksyms, ``constants`` the externs of ``.kconfig``, ``rewritten`` the slots that CO-RE
    changes.
    """

    def __init__(
        self,
        elf: BpfElf,
        index: int,
        prototypes: Mapping[str, FuncProto | None],
        constants: Collection[str],
        rewritten: Collection[int],
    ) -> None:
        self.name = elf.sections[index].name
        self.size = elf.sections[index]["sh_size"]
        self._index = index
        self._elf = elf
        self._data = elf.content(elf.sections[index])
        self._prototypes = prototypes
        self._constants = constants
        self._rewritten = rewritten
        self._conditions: dict[int, Conditions] = {}
        self.relocations: list[Relocation] = [
            r for r in elf.relocations(index) if r.offset % SLOT == 0 and r.offset < self.size
        ]
        """What the instructions refer to."""

    @cached_property
    def bodies(self) -> list[Body]:
        """The functions, in order; each ends where its symbol says, and at the latest where the next begins."""
        symbols = sorted(
            (s for s in self._elf.symbols if s.section == self._index and s.type == "FUNC" and s.name),
            key=lambda symbol: symbol.value,
        )
        ends = [symbol.value for symbol in symbols[1:]] + [self.size]
        return [
            Body(symbol, symbol.value // SLOT, min(symbol.value + symbol.size, end) // SLOT)
            for symbol, end in zip(symbols, ends, strict=False)
            if symbol.size and symbol.value < end
        ]

    def body_at(self, slot: int) -> Body | None:
        """The function that holds ``slot``."""
        at = bisect_right(self._starts, slot) - 1
        return self.bodies[at] if at >= 0 and slot < self.bodies[at].end else None

    @cached_property
    def _starts(self) -> list[int]:
        return [body.start for body in self.bodies]

    @cached_property
    def instructions(self) -> list[Instruction]:
        """The instructions, by slot."""
        return decode(self._data, self._elf.order)

    def conditions(self, body: Body) -> Conditions:
        """The conditions over the instructions of ``body``."""
        known = self._conditions.get(body.start)
        if known is None:
            end = min(body.end, len(self.instructions))
            is_program = self.name != TEXT
            known = Conditions(self.instructions, body.start, end, self._scope, is_program=is_program)
            self._conditions[body.start] = known
        return known

    @cached_property
    def _by_slot(self) -> dict[int, Symbol]:
        return {relocation.offset // SLOT: relocation.symbol for relocation in self.relocations}

    @cached_property
    def _scope(self) -> Scope:
        addresses: dict[int, str] = {}
        read_only: set[int] = set()
        globals_: dict[int, Pointer] = {}
        for slot, symbol in self._by_slot.items():
            if symbol.section == 0:
                if symbol.name in self._constants:
                    read_only.add(slot)
                else:
                    addresses[slot] = symbol.name
            elif symbol.section < len(self._elf.sections):
                name = self._elf.sections[symbol.section].name
                if name.startswith(_READ_ONLY):
                    read_only.add(slot)
                elif symbol.section in self._elf.code:
                    globals_[slot] = Global(Holds.FUNCTION)
                else:
                    held = Holds.MAP if name == _MAPS else Holds.DATA if name.startswith(_WRITABLE) else None
                    globals_[slot] = Global(held) if held else Pointer()
        return Scope(addresses, frozenset(read_only), globals_, frozenset(self._rewritten), self._call)

    def _call(self, slot: int, instruction: Instruction) -> tuple[Simple, int] | None:
        """What a call leaves in ``r0``, and how many arguments it certainly has; ``None`` where it does not return."""
        symbol = self._by_slot.get(slot)
        if symbol is not None and symbol.section == 0:
            prototype = self._prototypes.get(symbol.name)
            if symbol.name == _NEVER_RETURNS:
                return None
            return (_returned(prototype), len(prototype.params)) if prototype else (SOMETHING, 5)
        if symbol is not None or instruction.src == PSEUDO_CALL:
            return SOMETHING, 0
        return (Pointer() if instruction.imm in _GIVE_POINTERS else Number()), 0

    def references(self, functions: Mapping[int, Mapping[int, str]]) -> Iterator[Reference]:
        """Calls of the object's own functions and loads of their addresses.

        ``functions`` are the names by section and slot; calls within a section may have no relocation.
        """
        for at, instruction in enumerate(self.instructions):
            symbol = self._by_slot.get(at)
            is_call = instruction.code == CALL and instruction.src == PSEUDO_CALL
            if not is_call and (instruction.code != LD_IMM64 or symbol is None):
                continue
            section, slot = self._index, at + 1 + instruction.imm
            if symbol is not None:
                section, slot = symbol.section, symbol.value // SLOT
                if symbol.type == "SECTION":
                    # libbpf: the imm of a call counts slots from the one before the section, an address's is in bytes
                    slot = instruction.imm + 1 if is_call else (instruction.imm & 0xFFFFFFFF) // SLOT
            name = functions.get(section, {}).get(slot)
            if name is not None:
                yield Reference(at, name, is_call)

    def receiver(self, slot: int) -> tuple[str, int]:
        """Who takes the function's address loaded at ``slot`` as an argument, and at which index; else ("", -1)."""
        held = {self.instructions[slot].dst}
        for at in range(slot + 2, min(slot + _FARTHEST_CALL, len(self.instructions))):
            instruction = self.instructions[at]
            if instruction.code == CALL:
                symbol = self._by_slot.get(at)
                argument = min((register for register in held if register in ARGUMENTS), default=0) - 1
                if symbol is not None and symbol.section == 0 and argument >= 0:
                    return symbol.name, argument
                if symbol is None and argument >= 0:
                    return _TAKE_FUNCTIONS.get(instruction.imm, ""), argument
                break
            if instruction.klass in (JMP, JMP32):
                break
            if instruction.code == MOVE and instruction.src in held:
                held.add(instruction.dst)
            elif instruction.klass in (LD, LDX, ALU, ALU64):
                held.discard(instruction.dst)
        return "", -1


_FARTHEST_CALL = 40
"""Slots behind the load of an address in which the call that takes it is looked for."""
_TAKE_FUNCTIONS = {
    164: "bpf_for_each_map_elem",
    170: "bpf_timer_set_callback",
    180: "bpf_find_vma",
    181: "bpf_loop",
    209: "bpf_user_ringbuf_drain",
}
"""Helpers that take a function, by number."""


def _returned(prototype: FuncProto) -> Simple:
    bare = skip_modifiers_and_typedefs(prototype.returns)
    if isinstance(bare, Int | EnumType):
        return Number()
    return Pointer() if isinstance(bare, Ptr) else SOMETHING
