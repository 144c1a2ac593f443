"""The blocks of one function, and which of them lead to which for certain: dominators, loops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.object.instructions import CALL, EXIT, JUMP, JUMP_FAR, LD_IMM64, Instruction

_MOST_BLOCKS = 2000

Edge = tuple[int, bool | None]
"""A block's number, and whether the condition that ends the block before held; ``None`` where there is no condition."""


@dataclass
class Block:
    """Slots ``start`` to ``end`` (exclusive), run in order.

    ``after`` is where control goes; ``before`` where it comes from, less the edges that close a loop. Of all ways from
    ``dominator`` (the block's own number for the first) each leads here if ``is_certain``, unless it never ends.
    ``loop`` holds the blocks of the loop that begins here.
    """

    start: int
    end: int
    after: list[Edge] = field(default_factory=list)
    before: list[Edge] = field(default_factory=list)
    dominator: int = 0
    is_certain: bool = False
    loop: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Graph:
    """Blocks by number, and the ``order`` in which each that is reachable comes after those ``before`` it."""

    blocks: Sequence[Block]
    order: Sequence[int]


def read_graph(code: Sequence[Instruction], start: int, end: int, never_returns: Callable[[int], bool]) -> Graph | None:
    """The blocks of the function in slots ``start`` to ``end``; ``never_returns`` tells of a call by its slot.

    ``None`` where control leaves the function other than by ``exit``, enters a loop in its middle, or is too much.
    """
    blocks = _cut(code, start, end, never_returns)
    if blocks is None:
        return None
    order, closing = _walk({number: [to for to, _ in block.after] for number, block in enumerate(blocks)}, 0)
    before: dict[int, list[int]] = {number: [] for number in order}
    for number in order:
        for to, taken in blocks[number].after:
            before[to].append(number)
            if (number, to) not in closing:
                blocks[to].before.append((number, taken))
    dominators = _dominators(order, {n: [before for before, _ in blocks[n].before] for n in order})
    for number in order:
        blocks[number].dominator = dominators[number]
    for last, head in closing:
        if not _dominates(head, last, dominators):
            return None
        blocks[head].loop |= _loop(head, last, before)
    _mark_certain(blocks, order)
    return Graph(blocks, order)


def _cut(code: Sequence[Instruction], start: int, end: int, never_returns: Callable[[int], bool]) -> list[Block] | None:
    exits: dict[int, list[Edge]] = {}
    whole = {start}
    at = start
    while at < end:
        instruction = code[at]
        to = at + 1 + instruction.target
        at += 2 if instruction.code == LD_IMM64 else 1
        whole.add(at)
        if instruction.code in (JUMP, JUMP_FAR):
            exits[at] = [(to, None)]
        elif instruction.code == EXIT or (instruction.code == CALL and never_returns(at - 1)):
            exits[at] = []
        elif instruction.is_conditional:
            exits[at] = [(to, True), (at, False)] if to != at else [(at, None)]
    starts = {start} | exits.keys() | {to for edges in exits.values() for to, _ in edges}
    if not exits or at != end or end not in exits or not starts <= whole or len(starts) > _MOST_BLOCKS:
        return None
    ordered = sorted(starts)
    numbers = {at: number for number, at in enumerate(ordered[:-1])}
    blocks = []
    for at, stop in pairwise(ordered):
        edges = exits.get(stop, [(stop, None)])
        if any(to not in numbers for to, _ in edges):
            return None
        blocks.append(Block(at, stop, [(numbers[to], taken) for to, taken in edges]))
    return blocks


def _walk(after: Mapping[int, Sequence[int]], first: int) -> tuple[list[int], set[tuple[int, int]]]:
    """What ``first`` leads to, in reverse order of leaving it, depth first; and the edges back to open ones."""
    left: list[int] = []
    closing: set[tuple[int, int]] = set()
    is_open = {first: True}
    stack = [(first, iter(after[first]))]
    while stack:
        number, edges = stack[-1]
        to = next(edges, -1)
        if to < 0:
            stack.pop()
            left.append(number)
            is_open[number] = False
        elif to not in is_open:
            is_open[to] = True
            stack.append((to, iter(after[to])))
        elif is_open[to]:
            closing.add((number, to))
    return left[::-1], closing


def _dominators(order: Sequence[int], before: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The nearest block through which every way from the first leads (Cooper, Harvey and Kennedy's iteration)."""
    rank = {number: at for at, number in enumerate(order)}
    found = {order[0]: order[0]}

    def meet(one: int, other: int) -> int:
        while one != other:
            while rank[one] > rank[other]:
                one = found[one]
            while rank[other] > rank[one]:
                other = found[other]
        return one

    changed = True
    while changed:
        changed = False
        for number in order[1:]:
            nearest = -1
            for other in before[number]:
                if other in found:
                    nearest = other if nearest < 0 else meet(nearest, other)
            if found.get(number) != nearest:
                found[number] = nearest
                changed = True
    return found


def _dominates(upper: int, lower: int, dominators: Mapping[int, int]) -> bool:
    while lower != upper and dominators[lower] != lower:
        lower = dominators[lower]
    return lower == upper


def _loop(head: int, last: int, before: Mapping[int, Sequence[int]]) -> set[int]:
    """What leads from ``head`` to ``last``, the block that goes back to it."""
    loop = {head}
    waiting = [last]
    while waiting:
        number = waiting.pop()
        if number not in loop:
            loop.add(number)
            waiting += before[number]
    return loop


def _mark_certain(blocks: Sequence[Block], order: Sequence[int]) -> None:
    """Find the blocks through which every way from their dominator to an ``exit`` leads: dominators, backwards."""
    end = len(blocks)
    after = {number: [to for to, _ in blocks[number].after] or [end] for number in order}
    before: dict[int, list[int]] = {number: [] for number in (*order, end)}
    for number, targets in after.items():
        for to in targets:
            before[to].append(number)
    found = _dominators(_walk(before, end)[0], after)
    for number in order:
        block = blocks[number]
        if number in found and block.dominator in found:
            block.is_certain = _dominates(number, block.dominator, found)
