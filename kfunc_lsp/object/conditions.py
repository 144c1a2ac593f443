"""Which conditions stand over each instruction of a function, as the verifier sees them.

One walk over the function's blocks follows constants, ksym addresses and what the running program alone knows through
registers and stack; a second one, over dominators, says under which of the tests a block is reached. What is not
followed is ``Opaque``: it may be a constant to the verifier.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.object.blocks import Block, read_graph
from kfunc_lsp.object.instructions import (
    ALU,
    ALU64,
    ARGUMENTS,
    BY_REGISTER,
    CALL,
    JMP,
    JMP32,
    LD,
    LD_IMM64,
    LDX,
    MAY_GOTO,
    ST,
    STX,
    Instruction,
)
from kfunc_lsp.object.values import (
    SOMETHING,
    Address,
    Choice,
    Frame,
    Known,
    Number,
    Pointer,
    ReadOnly,
    Simple,
    Something,
    Value,
    arithmetic,
    choice,
    each,
    test,
    told,
)
from kfunc_lsp.unit import value as unit
from kfunc_lsp.unit.guard import Condition, Constant, Exists, Opaque, Runtime, both, either, negate

_MOV, _END, _NEG = 0xB0, 0xD0, 0x80
_FRAME_POINTER = 10
_U64 = (1 << 64) - 1
_SIZES = {0x00: 4, 0x08: 2, 0x10: 1, 0x18: 8}
_MEM, _MEMSX = 0x60, 0x80

State = dict[int, Value]
"""What registers hold, by number, and the stack, by (negative) offset of eight bytes that were stored at once."""


@dataclass(frozen=True)
class Scope:
    """What the code of a section refers to, by slot.

    ``addresses`` are loads of ksyms' addresses, ``read_only`` of data that is constant to the verifier, ``globals`` of
    other data, of maps and of functions. ``rewritten`` are the slots that CO-RE changes at load time. ``call`` gives
    what a call leaves in ``r0``, and how many arguments it takes (``None`` where it never returns).
    """

    addresses: Mapping[int, str]
    read_only: frozenset[int]
    globals: Mapping[int, Pointer]
    rewritten: frozenset[int]
    call: Callable[[int, Instruction], tuple[Simple, int] | None]


class Conditions:
    """Conditions over the instructions of the function in slots ``start`` to ``end``.

    ``is_program`` tells that the kernel calls it, with its context in ``r1``.
    """

    def __init__(self, code: Sequence[Instruction], start: int, end: int, scope: Scope, *, is_program: bool) -> None:
        self._code = code
        self._scope = scope
        self._is_program = is_program
        self._tested: set[int] = set()
        self._escaped: set[int] = set()
        self._graph = read_graph(code, start, end, lambda at: scope.call(at, code[at]) is None)
        self._jumps: dict[int, Condition] = {}
        self._over: dict[int, tuple[Condition, ...]] = {}
        self._passed: dict[int, tuple[Value, ...]] = {}
        if self._graph is not None:
            self._blocks = self._graph.blocks
            self._own: dict[int, Condition] = {}
            self._follow()

    def over(self, at: int) -> tuple[Condition, ...]:
        """The conditions over slot ``at``, outermost first."""
        if self._graph is None:
            return (Opaque(),)
        number = bisect_right(self._starts, at) - 1
        return self._over.get(number, (Constant(False),))

    def passed(self, at: int) -> tuple[unit.Value | None, ...]:
        """What the call at slot ``at`` is certainly given in each register of an argument."""
        is_tested = any(not isinstance(condition, Constant | Exists) for condition in self.over(at))
        return tuple(told(value, is_tested) for value in self._passed.get(at, ()))

    def is_guard(self, at: int) -> bool:
        """Whether the ksym's address that slot ``at`` loads is compared with NULL and goes nowhere else."""
        return at in self._tested and at not in self._escaped

    @cached_property
    def _starts(self) -> list[int]:
        return [block.start for block in self._blocks]

    @cached_property
    def _lowest(self) -> int:
        """The lowest stack offset whose address the function takes: from there on anybody may write."""
        assert self._graph is not None
        taken = [0]
        for block in self._blocks:
            for at in range(block.start, block.end):
                instruction = self._code[at]
                if instruction.klass == ALU64 and instruction.operation == _MOV and instruction.src == _FRAME_POINTER:
                    after = self._code[at + 1] if at + 1 < block.end else instruction
                    adds = after.code == ALU64 and after.dst == instruction.dst
                    taken.append(after.imm if adds else -(1 << 20))
        return min(taken)

    def _follow(self) -> None:
        """Visit each block once, after all that lead to it."""
        assert self._graph is not None
        states: dict[int, State] = {}
        for number in self._graph.order:
            block = self._blocks[number]
            arrivals = [(self._arrival(block, before, taken), states[before]) for before, taken in block.before]
            if arrivals:
                self._own[number] = self._reached(block, arrivals)
                own = self._own[number]
                above = self._over[block.dominator]
                self._over[number] = above if own == Constant(True) else (*above, own)
                state = _join(arrivals)
            else:
                self._over[number] = ()
                state = {_FRAME_POINTER: Frame(0)}
                if self._is_program:
                    state[ARGUMENTS[0]] = Pointer()
            for inside in block.loop:
                self._forget(state, self._blocks[inside])
            for at in range(block.start, block.end):
                self._step(at, state)
            states[number] = state

    def _arrival(self, block: Block, before: int, taken: bool | None) -> Condition:
        """The condition, below the block's dominator, under which control comes from block ``before``."""
        jump = self._jumps.get(before, Constant(True))
        answer = negate(jump) if taken is False else jump
        while before != block.dominator:
            answer = both(self._own[before], answer)
            before = self._blocks[before].dominator
        return answer

    def _reached(self, block: Block, arrivals: Sequence[tuple[Condition, State]]) -> Condition:
        if block.is_certain:
            return Constant(True)
        answer: Condition = Constant(False)
        for condition, _ in arrivals:
            answer = either(answer, condition)
        return answer

    def _forget(self, state: State, block: Block) -> None:
        """Drop from ``state`` what ``block``, being run in a loop, may have changed."""
        for at in range(block.start, block.end):
            instruction = self._code[at]
            if instruction.klass in (ST, STX):
                for slot in [slot for slot in state if slot < 0]:
                    direct = instruction.dst == _FRAME_POINTER
                    if slot >= self._lowest or (direct and abs(instruction.off - slot) < 8):
                        del state[slot]
            elif instruction.code == CALL:
                self._clobber(state)
            elif instruction.klass not in (JMP, JMP32):
                state.pop(instruction.dst, None)

    def _clobber(self, state: State) -> None:
        """What a call leaves: not the argument registers, nor what others may write on the stack."""
        for place in [p for p in state if p == 0 or p in ARGUMENTS or self._lowest <= p < 0]:
            del state[place]

    def _step(self, at: int, state: State) -> None:
        """Run one instruction on ``state``."""
        instruction = self._code[at]
        klass = instruction.klass
        if instruction.code == LD_IMM64:
            state[instruction.dst] = self._loaded(at, instruction)
        elif klass in (ALU, ALU64):
            state[instruction.dst] = self._computed(at, instruction, state)
        elif klass == LDX:
            state[instruction.dst] = self._read(instruction, state)
        elif klass in (ST, STX):
            self._write(instruction, state)
        elif instruction.code == CALL:
            self._call(at, instruction, state)
        elif instruction.is_conditional:
            number = bisect_right(self._starts, at) - 1
            self._jumps[number] = self._jump(instruction, state)
        elif klass == LD:
            state.pop(0, None)  # a legacy load from the packet

    def _loaded(self, at: int, instruction: Instruction) -> Value:
        scope = self._scope
        if at in scope.addresses:
            return Address(scope.addresses[at], at)
        if at in scope.read_only:
            return ReadOnly()
        if at in scope.globals:
            return scope.globals[at]
        if at in scope.rewritten or at + 1 >= len(self._code) or instruction.src:
            return SOMETHING
        return Known(instruction.imm & 0xFFFFFFFF | (self._code[at + 1].imm & 0xFFFFFFFF) << 32)

    def _operand(self, instruction: Instruction, state: State) -> Value:
        """The second operand of arithmetic and of jumps."""
        if instruction.code & BY_REGISTER:
            return state.get(instruction.src, SOMETHING)
        return Known(instruction.imm & _U64)

    def _computed(self, at: int, instruction: Instruction, state: State) -> Value:
        if at in self._scope.rewritten:
            return SOMETHING
        is_32_bit = instruction.klass == ALU
        right = self._operand(instruction, state)
        if instruction.operation == _MOV:
            return self._moved(instruction, right, is_32_bit)
        left = state.get(instruction.dst, SOMETHING)
        self._escape(left)
        self._escape(right)
        if instruction.operation == _END:
            return each(left, lambda part: Number() if isinstance(part, Number | Pointer) else SOMETHING)
        if instruction.off:
            return SOMETHING
        operation = instruction.operation
        if isinstance(right, Choice):
            return (
                SOMETHING
                if isinstance(left, Choice)
                else each(right, lambda part: arithmetic(operation, left, part, is_32_bit))
            )
        return each(left, lambda part: arithmetic(operation, part, right, is_32_bit))

    def _moved(self, instruction: Instruction, value: Value, is_32_bit: bool) -> Value:
        if instruction.off:
            self._escape(value)
            return each(value, lambda part: part if isinstance(part, Number) else SOMETHING)
        if not is_32_bit:
            return value

        def shortened(part: Simple) -> Simple:
            if isinstance(part, Known):
                return Known(part.number & 0xFFFFFFFF)
            return Number() if isinstance(part, Number | Pointer) else SOMETHING

        self._escape(value)
        return each(value, shortened)

    def _read(self, instruction: Instruction, state: State) -> Value:
        base = state.get(instruction.src, SOMETHING)
        size = _SIZES[instruction.code & 0x18]
        if instruction.code & 0xE0 not in (_MEM, _MEMSX):
            return SOMETHING

        def read(part: Simple) -> Value:
            if isinstance(part, Frame):
                return state.get(part.offset + instruction.off, SOMETHING) if size == 8 else SOMETHING
            return Pointer() if isinstance(part, Pointer | Address) else SOMETHING

        if isinstance(base, Choice):
            return each(base, lambda part: SOMETHING if isinstance(found := read(part), Choice) else found)
        return read(base)

    def _write(self, instruction: Instruction, state: State) -> None:
        base = state.get(instruction.dst, SOMETHING)
        is_register = instruction.klass == STX
        value = state.get(instruction.src, SOMETHING) if is_register else Known(instruction.imm & _U64)
        is_plain = instruction.code & 0xE0 == _MEM
        size = _SIZES[instruction.code & 0x18]
        if isinstance(base, Frame):
            at = base.offset + instruction.off
            for slot in [slot for slot in state if slot < 0 and at - 8 < slot < at + size]:
                del state[slot]
            if is_plain and size == 8 and at < 0:
                state[at] = value
                return
        elif isinstance(base, Something | Choice):
            for slot in [slot for slot in state if self._lowest <= slot < 0]:
                del state[slot]
        if is_register:
            self._escape(value)
        if not is_plain and is_register:
            # an atomic operation may fetch into its source, or into r0
            state.pop(instruction.src, None)
            state.pop(0, None)

    def _call(self, at: int, instruction: Instruction, state: State) -> None:
        result = self._scope.call(at, instruction)
        returned, arguments = result if result else (SOMETHING, 0)
        values = tuple(state.get(register, SOMETHING) for register in ARGUMENTS[:arguments])
        self._passed[at] = values
        for value in values:
            self._escape(value)
        self._clobber(state)
        state[0] = returned

    def _jump(self, instruction: Instruction, state: State) -> Condition:
        if instruction.code == MAY_GOTO:
            return Runtime()
        left, right = state.get(instruction.dst, SOMETHING), self._operand(instruction, state)
        for value, other in ((left, right), (right, left)):
            for part in _parts(value):
                if isinstance(part, Address):
                    (self._tested if other == Known(0) else self._escaped).add(part.at)
        return test(instruction.operation, left, right, instruction.klass == JMP32)

    def _escape(self, value: Value) -> None:
        """Note that an address goes where it is not followed."""
        self._escaped.update(part.at for part in _parts(value) if isinstance(part, Address))


def _parts(value: Value) -> Sequence[Simple]:
    return [part for _, part in value.of] if isinstance(value, Choice) else (value,)


def _join(arrivals: Sequence[tuple[Condition, State]]) -> State:
    """What holds where several ways meet."""
    first = arrivals[0][1]
    if len(arrivals) == 1:
        return dict(first)
    places = [place for place in first if all(place in state for _, state in arrivals)]
    return {place: choice([(condition, state[place]) for condition, state in arrivals]) for place in places}
