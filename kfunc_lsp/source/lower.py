"""Expressions of one function as steps and values (``unit.graph``): what is worked out in which order.

Statements are ``steps``' business.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kfunc_lsp.source.syntax import Node, Reader
from kfunc_lsp.unit.graph import (
    Address,
    Block,
    Branch,
    Call,
    Compare,
    Derived,
    Do,
    Exit,
    Expression,
    Go,
    Local,
    Mixed,
    Not,
    Number,
    Outside,
    Read,
    Set,
    Step,
    Store,
    Unclear,
)

_COMPARISONS = frozenset(("==", "!=", "<", ">", "<=", ">="))
_TRANSPARENT = frozenset(("__builtin_expect", "__builtin_preserve_access_index", "likely", "unlikely"))
_CONSTANTS = {"NULL": 0, "false": 0, "true": 1}
NOTHING = Mixed(())


class TooMuch(Exception):
    """The function is nested too deeply, or too long, to be looked at."""


class Scope:
    """Names that one pair of braces declares, and what runs when control leaves it: (function, local, place)."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.cleanups: list[tuple[str, str, int]] = []


class Variable:
    """What a local was declared as."""

    __slots__ = ("is_aggregate", "is_number", "is_signed")

    def __init__(self, is_aggregate: bool = False, is_number: bool = False, is_signed: bool = False) -> None:
        self.is_aggregate = is_aggregate
        self.is_number = is_number
        self.is_signed = is_signed


_PLAIN = Variable()


class Lowering:
    """Builds blocks from expressions."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.reader = Reader(texts)
        self.blocks: list[Block] = [Block()]
        self.current = 0
        self.scopes: list[Scope] = [Scope()]
        self.variables: dict[str, Variable] = {}
        self.addressed: set[str] = set()
        self.outside: set[str] = set()
        self.changed: list[set[str]] = []
        self._temporaries = 0

    def _statements(self, start: int, end: int, last: Callable[[Node], None]) -> None:
        """Lower the statements of a statement expression; ``last`` takes the expression that is its value."""
        raise NotImplementedError

    def new_block(self) -> int:
        """The index of a block that nothing leads to yet."""
        self.blocks.append(Block())
        if len(self.blocks) > 5000:
            raise TooMuch
        return len(self.blocks) - 1

    def leave_to(self, exit_: Exit, following: int) -> None:
        """The current block ends with ``exit_``; steps go to block ``following`` from now on."""
        self.blocks[self.current].exit = exit_
        self.current = following

    def emit(self, step: Step) -> None:
        """Add a step."""
        self.blocks[self.current].steps.append(step)
        if isinstance(step, Set):
            for changed in self.changed:
                changed.add(step.name)

    def temporary(self, value: Expression) -> Local:
        """A new local that holds ``value``."""
        self._temporaries += 1
        name = f"?{self._temporaries}"
        self.emit(Set(name, value))
        return Local(name)

    def resolve(self, name: str) -> str:
        """The unique name of a local; empty for what is none."""
        for scope in reversed(self.scopes):
            if name in scope.names:
                return scope.names[name]
        return ""

    def declare(self, name: str, variable: Variable) -> str:
        """Declare a local in the innermost scope; its unique name."""
        unique = name if name not in self.variables else f"{name}#{len(self.variables)}"
        self.variables[unique] = variable
        self.scopes[-1].names[name] = unique
        return unique

    def value(self, node: Node) -> Expression:
        """What an expression comes to; what must happen before is emitted."""
        method = getattr(self, f"_{node.kind}", None)
        return NOTHING if method is None else method(node)

    def condition(self, node: Node, yes: int, no: int, loop: int = -1, decides: bool = True) -> None:
        """Pass control to ``yes`` or ``no`` by an expression."""
        kind, text, children = node.kind, node.text, node.children
        if kind == "binary" and text in ("&&", "||"):
            middle = self.new_block()
            outer = (middle, no) if text == "&&" else (yes, middle)
            self.condition(children[0], *outer, loop if text == "&&" else -1, True)
            self.current = middle
            self.condition(children[1], yes, no, loop, decides)
        elif kind == "prefix" and text == "!" and loop < 0:
            self.condition(children[0], no, yes, -1, decides)
        elif kind == "cast":
            self.condition(children[0], yes, no, loop, decides)
        elif kind == "comma" and children:
            for child in children[:-1]:
                self.emit(Do(self.value(child)))
            self.condition(children[-1], yes, no, loop, decides)
        elif kind == "block":
            self._statements(node.at, node.end, lambda last: self.condition(last, yes, no, loop, decides))
        elif kind == "call" and self._is_transparent(node):
            self.condition(children[1], yes, no, loop, decides)
        else:
            self.leave_to(Branch(self.value(node), yes, no, loop, decides), yes)

    def _is_transparent(self, node: Node) -> bool:
        callee = node.children[0]
        return callee.kind == "name" and callee.text in _TRANSPARENT and len(node.children) > 1

    def _number(self, node: Node) -> Expression:
        digits = node.text.rstrip("uUlL")
        try:
            return Number(int(digits, 0))
        except ValueError:
            is_octal = digits.startswith("0") and digits.isdigit()
            return Number(int(digits, 8)) if is_octal and set(digits) <= set("01234567") else Mixed((), True)

    def _name(self, node: Node) -> Expression:
        unique = self.resolve(node.text)
        if not unique:
            if node.text in _CONSTANTS:
                return Number(_CONSTANTS[node.text])
            self.outside.add(node.text)
            return Outside(node.text)
        if self.variables.get(unique, _PLAIN).is_aggregate:
            self.addressed.add(unique)
            return Address(unique)
        return Local(unique)

    def _call(self, node: Node) -> Expression:
        if self._is_transparent(node):
            return self.value(node.children[1])
        callee, *arguments = node.children
        name = ""
        if callee.kind == "name" and not self.resolve(callee.text):
            name = callee.text
            self.outside.add(name)
        else:
            self.emit(Do(self.value(callee)))
        values = [self.value(argument) for argument in arguments]
        # What one call gives to another happens first, whatever else is worked out.
        return self.temporary(Call(name, tuple(values), node.at))

    def _path(self, node: Node) -> str:
        """A text that is the same for the same place in memory, as far as one can tell."""
        if node.kind in ("arrow", "dot"):
            return f"{self._path(node.children[0])}{'->' if node.kind == 'arrow' else '.'}{node.text}"
        if node.kind == "name":
            return self.resolve(node.text) or node.text
        return f"@{node.at}"

    def _memory(self, node: Node) -> tuple[Expression | None, bool]:
        """What points to the memory that ``node`` stands for, and whether that is a local itself.

        ``None`` for a global, ``Local`` for a part of a local aggregate.
        """
        if node.kind == "arrow":
            return self.value(node.children[0]), False
        if node.kind == "prefix" and node.text == "*":
            return self.value(node.children[0]), False
        if node.kind == "dot":
            return self._memory(node.children[0])
        if node.kind == "index":
            self.emit(Do(self.value(node.children[1])))
            base = node.children[0]
            if base.kind in ("dot", "arrow", "index"):
                return self._memory(base)
            value = self.value(base)
            return (Local(value.name), True) if isinstance(value, Address) else (value, False)
        if node.kind == "name":
            unique = self.resolve(node.text)
            if unique:
                return Local(unique), True
            self.outside.add(node.text)
            return None, False
        return self.value(node), False

    def _arrow(self, node: Node) -> Expression:
        base, is_local = self._memory(node)
        if base is None or isinstance(base, Outside):
            return NOTHING
        return Mixed((base,)) if is_local else Read(base, self._path(node), _first(node))

    _dot = _arrow
    _index = _arrow

    def _prefix(self, node: Node) -> Expression:
        operator, (operand,) = node.text, node.children
        if operator == "*":
            return self._arrow(node)
        if operator == "&":
            return self._address(operand)
        if operator == "!":
            return Not(self.value(operand))
        if operator in ("++", "--"):
            return self._postfix(node)
        value = self.value(operand)
        if isinstance(value, Number) and operator == "-":
            return Number(-value.value)
        return value if operator in ("+", "__extension__") else Mixed((value,), True)

    def _address(self, operand: Node) -> Expression:
        base, is_local = self._memory(operand)
        if is_local and isinstance(base, Local):
            self.addressed.add(base.name)
            return Address(base.name) if operand.kind == "name" else Derived(Address(base.name))
        if base is None:
            return Outside(operand.text) if operand.kind == "name" else NOTHING
        return base if operand.kind == "prefix" else Derived(base)

    def _postfix(self, node: Node) -> Expression:
        (operand,) = node.children
        return self._store(operand, Mixed((self.value(operand), Number(1))), node.at)

    def _cast(self, node: Node) -> Expression:
        return self.value(node.children[0])

    def _comma(self, node: Node) -> Expression:
        value: Expression = NOTHING
        for child in node.children:
            self.emit(Do(value))
            value = self.value(child)
        return value

    def _binary(self, node: Node) -> Expression:
        if node.text in ("&&", "||"):
            return self._choose(node, Number(1), Number(0))
        left, right = (self.value(child) for child in node.children)
        if node.text in _COMPARISONS:
            return Compare(node.text, left, right)
        return Mixed((left, right), node.text not in ("+", "-"))

    def _choice(self, node: Node) -> Expression:
        return self._choose(node.children[0], node.children[1], node.children[2])

    def _choose(self, condition: Node, yes: Node | Expression, no: Node | Expression) -> Expression:
        self._temporaries += 1
        name = f"?{self._temporaries}"
        then, otherwise, after = self.new_block(), self.new_block(), self.new_block()
        self.condition(condition, then, otherwise)
        for block, side in ((then, yes), (otherwise, no)):
            self.current = block
            self.emit(Set(name, self.value(side) if isinstance(side, Node) else side))
            self.leave_to(Go(after), after)
        return Local(name)

    def _assign(self, node: Node) -> Expression:
        target, source = node.children
        if node.text == "=":
            return self._store(target, self.value(source), node.at)
        old = self.value(target)
        return self._store(target, Mixed((old, self.value(source)), node.text not in ("+=", "-=")), node.at)

    def _store(self, target: Node, value: Expression, at: int) -> Expression:
        while target.kind == "cast":
            (target,) = target.children
        unique = self.resolve(target.text) if target.kind == "name" else ""
        if unique and not self.variables.get(unique, _PLAIN).is_aggregate:
            self.set(unique, value)
            return Local(unique)
        base, is_local = self._memory(target)
        kept = value if isinstance(value, Local | Number) else self.temporary(value)
        place = _first(target) if base is not None else at
        self.emit(Store(Address(base.name) if is_local and isinstance(base, Local) else base, kept, place))
        return kept

    def set(self, unique: str, value: Expression) -> None:
        """Give a local a value."""
        variable = self.variables.get(unique, _PLAIN)
        self.emit(Set(unique, value, variable.is_number, variable.is_signed))

    def _block(self, node: Node) -> Expression:
        self._temporaries += 1
        name = f"?{self._temporaries}"
        self._statements(node.at, node.end, lambda last: self.emit(Set(name, self.value(last))))
        return Local(name)

    def _braces(self, node: Node) -> Expression:
        for child in node.children:
            self.emit(Store(Address(""), self.value(child), node.at))
        return NOTHING

    def _unclear(self, _: Node) -> Expression:
        self.emit(Unclear(None))
        return NOTHING


def _first(node: Node) -> int:
    """The first token of the name, or of whatever it is, that memory is reached by."""
    while node.children and node.kind in ("arrow", "dot", "index", "prefix", "cast"):
        node = node.children[0]
    return node.at
