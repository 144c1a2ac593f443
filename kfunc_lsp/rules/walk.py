"""Follows the paths of one function as the verifier would, and tells what it must refuse on one kernel.

What is told holds on a path that the verifier certainly takes: where a condition may be a constant to it, only what
happens on both sides counts. So nothing is told of code that is not understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kfunc_lsp.rules.evaluate import Evaluation, is_fresh, loads_of, place_of
from kfunc_lsp.rules.meaning import ITERATING, Meaning, Result, Role
from kfunc_lsp.rules.trouble import Fault, Found, Section, Trouble
from kfunc_lsp.rules.values import (
    OPAQUE,
    Abstract,
    Asked,
    Held,
    Null,
    Object,
    Pointer,
    Root,
    Sort,
    Stack,
    State,
    Unknown,
)
from kfunc_lsp.unit.graph import (
    Branch,
    Call,
    Choose,
    Do,
    Go,
    Graph,
    Leave,
    Set,
    Step,
    Store,
    Unclear,
)

_MOST_BLOCKS = 3000
_DEEPEST = 200


class Walk(Evaluation):
    """One function with what its names mean.

    ``is_program`` where the kernel calls the function with its own arguments and no section is open; ``is_root``
    where what it returns is used; ``owns_nothing`` where none of its parameters is a reference that it holds.
    """

    def __init__(
        self, graph: Graph, meanings: Mapping[str, Meaning], is_program: bool, is_root: bool, owns_nothing: bool
    ) -> None:
        super().__init__(meanings)
        self.graph = graph
        self.is_program = is_program
        self.is_root = is_root
        self.owns_nothing = owns_nothing
        self._left = _MOST_BLOCKS
        self._saved: dict[int, Stack | None] = {}
        self._entered: dict[int, Mapping[str, Abstract]] = {}
        self._depth = 0
        self._known: dict[object, Found | None] = {}
        self._found: set[Trouble] = set()
        self._quiet = graph.quiet({name for name in graph.names if meanings[name].begins(is_program, owns_nothing)})

    def run(self) -> Found:
        """Everything that is certain."""
        state = State()
        state.open = dict.fromkeys(Section, () if self.is_program else None)
        for name in self.graph.parameters:
            root: Root = ("parameter", name)
            sort = Sort.WORD if self.is_program else Sort.OPAQUE
            parameter = name if self.owns_nothing else ""
            state.locals[name] = Unknown(sort, frozenset((root,)), parameter=parameter)
        return self._explore(0, state) or frozenset()

    def _explore(self, block: int, state: State) -> Found | None:
        """What is certain from ``block`` on; ``None`` if control does not get to the function's end."""
        live = self.graph.live[block]
        state.forget_all_but(live)
        key = None
        if block in self.graph.joins:
            state.forget_all_about(live)
            key = block, state.key()
            if key in self._known:
                return self._known[key]
        if block in self._quiet and state.is_settled():
            return frozenset()
        outer, self._found = self._found, set()
        self._depth += 1
        rest = self._follow(block, state)
        self._depth -= 1
        found = None if rest is None and not self._found else frozenset(self._found) | (rest or frozenset())
        self._found = outer
        if key is not None:
            self._known[key] = found
        return found

    def _follow(self, block: int, state: State) -> Found | None:
        while True:
            self._left -= 1
            if self._left < 0 or self._depth > _DEEPEST:
                return frozenset()
            if block in self.graph.loops and not self._enter_loop(block, state):
                return None
            here = self.graph.blocks[block]
            for step in here.steps:
                if not self._step(state, step):
                    return frozenset() if self._is_unclear else None
            exit_ = here.exit
            if isinstance(exit_, Go):
                block = exit_.to
                if block in self.graph.joins:
                    return self._explore(block, state)
            elif isinstance(exit_, Leave):
                self._leave(state, exit_)
                return frozenset()
            elif isinstance(exit_, Branch):
                return self._branch(state, exit_)
            elif isinstance(exit_, Choose):
                return self._choose(state, exit_)
            else:
                return None

    def _enter_loop(self, head: int, state: State) -> bool:
        """Whether the loop is gone through once more: twice at most, the second time for any later round."""
        visits = state.visits[head] = state.visits.get(head, 0) + 1
        entered = self._changing(state, head)
        if visits == 2:
            self._forget(state, entered)
        self._entered[head] = entered
        return visits <= 2

    def _changing(self, state: State, head: int) -> Mapping[str, Abstract]:
        """The locals that a loop changes, as they are now."""
        return {name: state.locals.get(name, OPAQUE) for name in self.graph.loops.get(head, ())}

    def _forget(self, state: State, entered: Mapping[str, Abstract]) -> None:
        """Of the locals that a loop changes, what they were when it was entered holds in one round only."""
        for name, value in entered.items():
            if state.locals.get(name, OPAQUE) is value and not isinstance(value, Pointer | Asked):
                state.locals[name] = OPAQUE

    def _branch(self, state: State, branch: Branch) -> Found | None:
        if branch.decides:
            self._use(state, self.value(state, branch.condition))
        fork = self.fork(state, branch.condition)
        if branch.loop >= 0:
            if state.visits.get(branch.loop, 0) >= 2:
                return None if fork.no is None else self._explore(branch.no, fork.no)
            fork.yes_sure = fork.yes_sure or fork.is_open
            if fork.yes is not None and branch.yes != branch.loop:
                # a jump may lead into a loop past its head
                entered = self._entered.get(branch.loop)
                self._forget(fork.yes, self._changing(fork.yes, branch.loop) if entered is None else entered)
        sides = []
        if fork.yes is not None:
            sides.append((fork.yes_sure, self._explore(branch.yes, fork.yes)))
        if fork.no is not None:
            sides.append((fork.no_sure, self._explore(branch.no, fork.no)))
        return self._joined(sides)

    def _choose(self, state: State, choose: Choose) -> Found | None:
        value = OPAQUE if choose.value is None else self.value(state, choose.value)
        self._use(state, value)
        sure = False
        if isinstance(value, Unknown):
            sure = value.sort in (Sort.NUMBER, Sort.WORD) and is_fresh(state, value.roots)
            state.ask_about(value.roots)
        return self._joined([(sure, self._explore(target, state.copy())) for target in choose.targets])

    def _joined(self, sides: Iterable[tuple[bool, Found | None]]) -> Found | None:
        met = [(sure, found) for sure, found in sides if found is not None]
        return self._together(met) if met else None

    def _together(self, sides: Sequence[tuple[bool, Found]]) -> Found:
        """What is certain of several sides: all of one that is certainly explored, else what all have in common."""
        certain = frozenset[Trouble]().union(*(found for sure, found in sides if sure))
        return certain | sides[0][1].intersection(*(found for _, found in sides[1:]))

    def _leave(self, state: State, leave: Leave) -> None:
        if leave.value is not None:
            value = self.value(state, leave.value)
            if self.is_root:
                self._use(state, value)
            state.lose(value)
        for id_, known in state.objects.items():
            if known.held is Held.HELD and known.null in (Null.NO, Null.MAYBE):
                self._found.add(Trouble(Fault.NOT_RELEASED, id_, known.giver))
        for begun in state.iterators.values():
            if begun is not None:
                self._found.add(Trouble(Fault.ITERATOR_LEFT, begun[0], begun[1]))
        for section, places in state.open.items():
            if places:
                count = len(places)
                self._found.add(Trouble(Fault.SECTION_LEFT, places[0], section.value, section=section, count=count))

    def _step(self, state: State, step: Step) -> bool:
        """Do a step; whether control goes on behind it."""
        self._is_unclear = False
        if isinstance(step, Set):
            return self._set(state, step)
        if isinstance(step, Do):
            return not isinstance(step.value, Call) or self._call(state, step.value) is not None
        if isinstance(step, Store):
            value = self.value(state, step.value)
            base = None if step.base is None else self.value(state, step.base)
            if not isinstance(base, Stack):
                self._use(state, value)
            if isinstance(base, Pointer) and state.maybe(base):
                self._unchecked(state, Fault.READ_UNCHECKED, base.id, step.at)
            state.lose(value)
            return True
        if isinstance(step, Unclear):
            if step.names is None:
                self._is_unclear = True
                return False
            for name in step.names:
                state.lose(state.locals.get(name, OPAQUE))
                state.locals[name] = OPAQUE
        return True

    def _set(self, state: State, step: Set) -> bool:
        if isinstance(step.value, Call):
            called = self._call(state, step.value)
            if called is None:
                return False
            value = called
        else:
            value = self.value(state, step.value)
        if step.name in self.graph.addressed:
            state.lose(value)
            value = OPAQUE
        if isinstance(value, Unknown) and step.is_number:
            sort = Sort.NUMBER if value.sort is Sort.WORD else value.sort
            value = Unknown(sort, value.roots, value.loads, step.is_signed)
        state.locals[step.name] = value
        return True

    def _use(self, state: State, value: Abstract, argument: int = -1) -> None:
        """``value`` is certainly used, perhaps as an argument, so what was read for it is."""
        for id_, at, is_released in loads_of(value):
            known = state.objects[id_]
            if is_released:
                # an array that is passed is not read, and what has been released is a number, which may be passed
                if argument < 0 or (isinstance(value, Unknown) and value.sort is not Sort.WORD):
                    self._found.add(Trouble(Fault.READ_RELEASED, at, known.giver, id_))
            elif known.null is Null.MAYBE:
                self._unchecked(state, Fault.READ_UNCHECKED, id_, at, argument=argument)

    def _unchecked(self, state: State, fault: Fault, id_: int, at: int, name: str = "", argument: int = -1) -> None:
        self._found.add(Trouble(fault, at, name or state.objects[id_].giver, id_, argument))
        state.change(id_, Null.NO)

    def _call(self, state: State, call: Call) -> Abstract | None:
        """What a call gives; ``None`` where control gets no further."""
        meaning = self.meanings.get(call.callee) or Meaning()
        arguments = [self.value(state, argument) for argument in call.arguments]
        if meaning.role is Role.STOPS:
            return None
        if meaning.role is Role.UNCLEAR:
            self._is_unclear = True
            return None
        if meaning.uses:
            for index, argument in enumerate(arguments):
                self._use(state, argument, index)
        if meaning.touches_sections:
            state.open = dict.fromkeys(Section)
        if not meaning.is_kfunc:
            if meaning.keeps or meaning.role is Role.TAKES:
                for argument in arguments:
                    state.lose(argument)
            state.spins = state.spins or meaning.role is Role.SPINS
            return self._plain_result(call, meaning)
        self._sections(state, call, meaning)
        if meaning.role in ITERATING:
            self._iterate(state, call, meaning.role, next(iter(arguments), None))
        for index, argument in enumerate(arguments):
            if isinstance(argument, Pointer):
                self._pass(state, call, meaning, index, argument)
        if meaning.releases and self.owns_nothing and arguments:
            given = arguments[0]
            if isinstance(given, Unknown) and given.parameter:
                self._found.add(Trouble(Fault.NEVER_HELD, call.at, call.callee, -1, 0))
        if meaning.result is not Result.POINTER:
            return self._plain_result(call, meaning)
        null = Null.UNCLEAR if meaning.may_be_null is None else Null.MAYBE if meaning.may_be_null else Null.NO
        held = Held.HELD if meaning.acquires else Held.NEVER
        state.objects[call.at] = Object(call.callee, null, held)
        return Pointer(call.at)

    def _read_before(self, state: State, id_: int) -> int:
        """Where an object was read into a local that is used some time; -1 if it was not."""
        places = [
            at
            for name, value in state.locals.items()
            if name in self.graph.used
            for loaded, at, _ in loads_of(value)
            if loaded == id_
        ]
        return min(places, default=-1)

    def _plain_result(self, call: Call, meaning: Meaning) -> Abstract:
        roots: frozenset[Root] = frozenset((("call", call.at),))
        if meaning.result is Result.POINTER:
            return Unknown(Sort.POINTER, roots)
        if meaning.result is Result.OPAQUE:
            return Unknown(Sort.OPAQUE, roots)
        sort = Sort.FLAG if meaning.result is Result.FLAG else Sort.NUMBER
        return Unknown(sort, roots, is_signed=meaning.result is Result.SIGNED)

    def _pass(self, state: State, call: Call, meaning: Meaning, index: int, argument: Pointer) -> None:
        """An object is passed to a kfunc."""
        known = state.objects[argument.id]
        if meaning.role is Role.TAKES:
            state.lose(argument)
            return
        if known.held is Held.RELEASED:
            if meaning.releases:
                self._found.add(Trouble(Fault.RELEASED_TWICE, call.at, call.callee, argument.id, index))
            state.change(argument.id, Null.UNCLEAR, Held.ELSEWHERE)
            return
        wants = index < len(meaning.wants) and meaning.wants[index]
        if known.null is Null.MAYBE and wants:
            read = self._read_before(state, argument.id)
            if read >= 0:
                self._unchecked(state, Fault.READ_UNCHECKED, argument.id, read)
            elif argument.exact:
                self._unchecked(state, Fault.PASSED_UNCHECKED, argument.id, call.at, call.callee, index)
            else:
                state.change(argument.id, Null.UNCLEAR)
        if meaning.releases and known.held is Held.HELD:
            state.change(argument.id, held=Held.RELEASED)

    def _sections(self, state: State, call: Call, meaning: Meaning) -> None:
        """What a kfunc does to sections, and where it may be called."""
        if meaning.rcu_protected and all(places == () for places in state.open.values()) and not state.spins:
            self._found.add(Trouble(Fault.OUTSIDE_RCU, call.at, call.callee))
        if meaning.sleeps:
            within = next(((section, places) for section, places in state.open.items() if places), None)
            if within is not None:
                section, places = within
                self._found.add(Trouble(Fault.SLEEPS, call.at, call.callee, places[0], section=section))
        if meaning.section is not None:
            self._open_or_close(state, call, meaning.section, meaning.role is Role.BEGINS)

    def _open_or_close(self, state: State, call: Call, section: Section, begins: bool) -> None:
        places = state.open[section]
        if places is None:
            return
        self._saved[call.at] = place_of(next(iter(call.arguments), None))
        same = [section is not Section.IRQ or self._is_same(call.at, begun) for begun in places]
        if begins:
            if same and same[-1]:
                self._found.add(Trouble(Fault.SECTION_NESTED, call.at, call.callee, places[-1], section=section))
                places = places[:-1] if section is Section.IRQ else places
            state.open[section] = (*places, call.at)
        elif all(is_same is False for is_same in same):
            self._found.add(Trouble(Fault.SECTION_UNBEGUN, call.at, call.callee, section=section))
            state.open[section] = None if places else places
        elif same[-1]:
            state.open[section] = places[:-1]
        else:
            if same[-1] is False and True in same:
                self._found.add(Trouble(Fault.SECTION_ORDER, call.at, call.callee, places[-1], section=section))
            state.open[section] = None

    def _is_same(self, end: int, begin: int) -> bool | None:
        """Whether interrupts are restored from where they were saved; ``None`` where that is not known."""
        one, other = self._saved[end], self._saved[begin]
        if one is None or other is None or (one.name == other.name and not (one.exact and other.exact)):
            return None
        return one.name == other.name

    def _iterate(self, state: State, call: Call, role: Role, given: Abstract | None) -> None:
        """A kfunc begins, asks or ends an iterator."""
        if not isinstance(given, Stack):
            return
        name, begun = given.name, state.iterators.get(given.name)
        if not given.exact:
            state.iterators[name] = None
        elif role is Role.ITERATOR_NEW:
            if begun is not None:
                self._found.add(Trouble(Fault.ITERATOR_TWICE, call.at, call.callee, begun[0]))
            if begun is not None or name not in state.iterators:
                state.iterators[name] = (call.at, call.callee)
        elif name not in state.iterators:
            self._found.add(Trouble(Fault.ITERATOR_UNBEGUN, call.at, call.callee))
            state.iterators[name] = None
        elif role is Role.ITERATOR_DESTROY and begun is not None:
            del state.iterators[name]
