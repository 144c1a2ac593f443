"""The programs that the code at the cursor is part of, as far as the text and the last analysis tell.

``rules.programs`` answers the same for a rule, exactly and for one kernel. Here a person is typing: an answer must be
quick, and may be a little old.
"""

from __future__ import annotations

from collections.abc import Mapping

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.kernel.hooks import Caller
from kfunc_lsp.kernel.sections import SectionProgram, section_program
from kfunc_lsp.rules.programs import implemented
from kfunc_lsp.server.cursor import function_around, section_around
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.session import Session
from kfunc_lsp.unit.model import Function

_STRUCT_OPS = "BPF_PROG_TYPE_STRUCT_OPS"


@dataclass(frozen=True, slots=True)
class Program:
    """What libbpf makes of a program, and which structure and operation it implements, as ``rules.programs`` has it."""

    section: SectionProgram
    struct_ops: str = ""
    operation: str = ""

    @property
    def is_struct_ops(self) -> bool:
        """Whether it implements an operation of some structure."""
        return self.section.program_type == _STRUCT_OPS

    @property
    def caller(self) -> Caller:
        """What the kernel can tell of it."""
        return self.section.caller(self.struct_ops, self.operation)

    @property
    def words(self) -> str:
        """What kind of program it is, for people."""
        if not self.struct_ops:
            return self.section.row.removesuffix("+")
        return ".".join(filter(None, (self.struct_ops, self.operation)))


def programs_around(session: Session, document: Document, offset: int) -> list[Program]:
    """The programs that hold ``offset``, or call the function that does; none where that is not known."""
    last = session.last(document)
    functions = last.unit.functions if last is not None else {}
    name = function_around(document, offset, functions)
    section = section_around(document, offset)
    if section:
        found = program_of(section, functions.get(name))
        return [found] if found is not None else []
    return _roots(functions, name)


def _roots(functions: Mapping[str, Function], name: str) -> list[Program]:
    """The programs from which calls lead to function ``name``, or whose callback it is."""
    seen, pending = {name}, [name]
    found: dict[Program, None] = {}
    while pending:
        function = functions.get(pending.pop())
        if function is None:
            continue
        if function.section:
            program = program_of(function.section, function)
            if program is not None:
                found[program] = None
            continue
        callers = {mention.function for mention in function.mentions} - seen
        seen |= callers
        pending += sorted(callers)
    return list(found)


def program_of(section: str, function: Function | None) -> Program | None:
    """The program that ``SEC(section)`` makes of ``function``, ``None`` for a section that libbpf does not know."""
    made = section_program(section)
    return Program(made, *implemented(made, function.members if function is not None else ())) if made else None
