"""The programs that code is part of: from its function up the call graph to functions with a ``SEC``.

What calls a function, or hands it to a helper or kfunc that calls it back, runs it in its own program. Timers, work
queues and task work run their callbacks later, where whether code may sleep is another matter. What is not known (a
function that nobody mentions, a callback whose caller is not known, a section that libbpf does not know) gives no
program or leaves a question open; nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.kernel.hooks import Answer, Caller
from kfunc_lsp.kernel.libbpf import Outcome
from kfunc_lsp.kernel.model import KernelFunction
from kfunc_lsp.kernel.sections import SectionProgram, section_program
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label
from kfunc_lsp.unit.guard import Condition, Truth, may_be_compiled_out, reached
from kfunc_lsp.unit.model import Function, Mention, Unit, Use, UseKind

_WRAPPED = "____"
"""What ``BPF_PROG`` and its like put before the name of the function that holds the body."""
_LSM = "BPF_PROG_TYPE_LSM"
_DEEPEST = 60
_MOST = 400

_CALLED_BACK: Mapping[str, int] = {
    "bpf_loop": 1,
    "bpf_for_each_map_elem": 1,
    "bpf_find_vma": 2,
    "bpf_user_ringbuf_drain": 1,
    "bpf_rbtree_add": 2,
    "bpf_rbtree_add_impl": 2,
}
"""Helpers and kfuncs that call back at once, and which argument it is."""

_TIMER = "bpf_timer_set_callback"
_LATER: Mapping[str, int] = {
    _TIMER: 1,
    "bpf_wq_set_callback": 1,
    "bpf_wq_set_callback_impl": 1,
    "bpf_task_work_schedule_signal": 3,
    "bpf_task_work_schedule_signal_impl": 3,
    "bpf_task_work_schedule_resume": 3,
    "bpf_task_work_schedule_resume_impl": 3,
}
"""Those whose callback runs later, in a context of its own: sleepable, but for timers."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that a place is part of.

    ``function`` has the ``SEC``, ``section`` is what libbpf makes of it. ``struct_ops`` and ``operation`` are the
    structure and member that a struct_ops program implements, empty where not known; of an LSM program ``operation`` is
    the hook. ``is_sleepable`` says whether the
    place runs where it may sleep, ``None`` where that is not known; ``is_later`` that it runs in a callback of a timer,
    work queue or task work. ``path`` are the functions on the way from the program to the place, and ``global_`` the
    last of them that is not static, which the verifier judges by itself. ``reach`` tells whether the verifier gets
    there.
    """

    function: Function
    section: SectionProgram
    struct_ops: str
    operation: str
    is_sleepable: bool | None
    reach: Truth
    is_later: bool = False
    path: tuple[str, ...] = ()
    global_: str = ""

    @property
    def caller(self) -> Caller:
        """What the kernel can tell of it."""
        return self.section.caller(self.struct_ops, self.operation)

    @property
    def kind(self) -> str:
        """What kind of program it is, for people: its section, for struct_ops the operation."""
        if self.struct_ops:
            return f"{self.struct_ops}.{self.operation}" if self.operation else self.struct_ops
        return self.section.row.removesuffix("+")

    @property
    def words(self) -> str:
        """The program for people: its ``SEC``, and the function through which it gets to the place."""
        written = [name for name in self.path if not name.startswith(_WRAPPED)]
        through = f", through `{written[-1]}`" if written else ""
        return f'SEC("{self.function.section}") `{self.function.name}`{through}'


@dataclass(frozen=True, slots=True)
class Call:
    """A call of ``function`` and programs that it is part of; ``is_bound`` that libbpf certainly binds it so."""

    use: Use
    function: KernelFunction
    is_bound: bool
    programs: tuple[Program, ...]

    def related(self, programs: Sequence[Program]) -> tuple[Label, ...]:
        """Places to look at beside the call: the macro that wrote it, and ``programs`` that it is part of."""
        use = self.use
        written = [Label(use.definition, f"written by macro `{use.macro}`")] if use.definition else []
        return (*written, *(Label(program.function.span, f"part of {program.words}") for program in programs))


def access(load: Load, function: KernelFunction, program: Program) -> Answer:
    """Whether the kernel lets ``program`` call ``function``."""
    return load.access(function, (program.caller,))[0]


def calls(load: Load, name: str, concerns: Callable[[Answer], bool]) -> Iterator[Call]:
    """The calls of the kfunc that extern ``name`` is bound to, each with those programs that ``concerns`` holds for.

    Conditions, over the call and on the way to it, are looked at only where there are such programs.
    """
    if not any(concerns(answer) for answer in load.shared(("access", name), lambda load: _access(load, name))):
        return
    function = load.bound(name)
    assert function is not None
    is_bound = load.outcome(name) is Outcome.RESOLVED
    for use in load.unit.uses_by_name[name]:
        if use.kind is UseKind.REFERENCE or not any(map(concerns, load.access(function, _callers(load, use.function)))):
            continue
        programs = programs_of_function(load, use.function)
        answers = load.access(function, [program.caller for program in programs])
        concerned = [program for program, answer in zip(programs, answers, strict=True) if concerns(answer)]
        if concerned and (reaching := _reaching(load, use, concerned)):
            yield Call(use, function, is_bound, reaching)


def _access(load: Load, name: str) -> Sequence[Answer]:
    """Whether the programs that use extern ``name`` may call what it is bound to: the different answers."""
    function = load.bound(name)
    if function is None or not function.callable or load.outcome(name) is Outcome.INCOMPATIBLE:
        return ()
    functions = dict.fromkeys(use.function for use in load.unit.uses_by_name[name])
    answers = load.access(function, [caller for user in functions for caller in _callers(load, user)])
    return tuple({id(answer): answer for answer in answers}.values())


def _callers(load: Load, name: str) -> Sequence[Caller]:
    """What the kernel can tell of the programs that function ``name`` may be part of, conditions aside."""
    return load.shared(("callers", name), lambda load: tuple(dict.fromkeys(_above(load.unit, name))))


def _above(unit: Unit, name: str) -> Iterator[Caller]:
    pending = [name]
    seen: set[str] = set()
    while pending:
        function = unit.functions.get(pending.pop())
        if function is None or function.name in seen:
            continue
        seen.add(function.name)
        if function.section:
            yield from (program.caller for program in _entry(function))
        else:
            pending += [mention.function for mention in function.mentions]


def _reaching(load: Load, use: Use, programs: Sequence[Program]) -> tuple[Program, ...]:
    """Those of ``programs`` of its function that get to ``use``, those that certainly do first."""
    here = _met(load, use.guards)
    if here is Truth.FALSE:
        return ()
    if here is not Truth.TRUE:
        return tuple(replace(p, reach=Truth.UNKNOWN) for p in programs)
    return tuple(sorted(programs, key=lambda p: p.reach is not Truth.TRUE))


def programs_of_function(load: Load, name: str, callees: tuple[str, ...] = ()) -> tuple[Program, ...]:
    """The programs that function ``name`` is part of; ``callees`` are functions that it is looked up for."""
    function = load.unit.functions.get(name)
    if function is None or name in callees or len(callees) > _DEEPEST:
        return ()
    if function.section:
        return _entry(function)
    return load.shared(("programs", name), lambda load: _through(load, function, (*callees, name)))


def _met(load: Load, guards: Sequence[Condition]) -> Truth:
    """Whether the verifier meets code under ``guards``: the object has it, and it is reached."""
    truth = reached(guards, load.resolves)
    compiled_out = not load.unit.is_compiled and may_be_compiled_out(guards)
    return Truth.UNKNOWN if truth is Truth.TRUE and compiled_out else truth


def _through(load: Load, function: Function, callees: tuple[str, ...]) -> tuple[Program, ...]:
    found: dict[tuple[str, bool | None, bool], Program] = {}
    for mention in function.mentions:
        truth = _met(load, mention.guards)
        if truth is Truth.FALSE or len(found) > _MOST:
            continue
        for program in programs_of_function(load, mention.function, callees):
            inside = _inside(program, function, mention, load)
            if truth is not Truth.TRUE and inside.reach is Truth.TRUE:
                inside = replace(inside, reach=Truth.UNKNOWN)
            key = (inside.function.name, inside.is_sleepable, inside.is_later)
            if key not in found or inside.reach is Truth.TRUE:
                found[key] = inside
    return tuple(found.values())


def _entry(function: Function) -> tuple[Program, ...]:
    """The program that ``function`` itself is: one, or none where libbpf does not know its section."""
    section = section_program(function.section) if function.section else None
    if section is None:
        return ()
    structure, operation = implemented(section, function.members)
    return (Program(function, section, structure, operation, section.sleepable, Truth.TRUE),)


def implemented(section: SectionProgram, members: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Structure and operation of a program that is used for ``members``, each empty where that is not one.

    For an LSM program the operation is its hook.
    """
    structures = {structure for structure, _ in members}
    structure = structures.pop() if len(structures) == 1 else ""
    if section.program_type == _LSM:
        return structure, section.rest
    return structure, members[0][1] if len(members) == 1 else ""


def _inside(program: Program, function: Function, mention: Mention, load: Load) -> Program:
    """``program`` as seen from ``function``, which it calls or passes on at ``mention``."""
    path = (*program.path, function.name)
    global_ = program.global_ if function.is_static else function.name
    inside = replace(program, path=path, global_=global_)
    if mention.is_call:
        # A function that is not static is verified by itself, and the compiler may have put it into its caller too:
        # kernels differ on whether it may sleep where a callback may.
        unsure = not function.is_static and program.is_later and not program.section.sleepable
        return replace(inside, is_sleepable=None) if unsure else inside
    callee = load.loader.target(mention.callee)
    if _CALLED_BACK.get(callee) == mention.argument:
        return inside
    if _LATER.get(callee) == mention.argument:
        return replace(inside, is_later=True, is_sleepable=callee != _TIMER or _timers_sleep(program, load))
    return replace(inside, is_sleepable=None, reach=Truth.UNKNOWN)


def _timers_sleep(program: Program, load: Load) -> bool | None:
    """Whether a timer's callback counts as sleepable: of a sleepable program it did on 6.12, and not since 6.18."""
    if not program.section.sleepable:
        return False
    if not load.is_since(6, 13):
        return None if load.is_since(6, 13) is None else True
    return False if load.is_since(6, 18) else None
