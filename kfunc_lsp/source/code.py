"""What has been worked out of functions' bodies, kept with their segments from one state of a text to the next."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence, Set

from kfunc_lsp.btf.types import FuncProto, Ptr
from kfunc_lsp.dataclass import NamedTuple
from kfunc_lsp.source.expression import Scope
from kfunc_lsp.source.flow import Flow
from kfunc_lsp.source.segment import Segment, Variable
from kfunc_lsp.unit.value import Value


class FileNames(NamedTuple):
    """What names mean at file level: in conditions, of variables, and of functions the ``sections`` of prototypes."""

    scope: Scope
    variables: Mapping[str, Variable]
    sections: Mapping[str, str]

    @staticmethod
    def of(
        segments: Sequence[Segment],
        ksyms: frozenset[str],
        functions: frozenset[str],
        sections: Mapping[str, str],
        macros: Container[str],
        macros_id: int,
    ) -> FileNames:
        """The names of a unit of ``segments``; see ``Scope`` for the others."""
        variables = {name: variable for segment in segments for name, variable in segment.variables.items()}
        constants = _constants(variables)
        prototypes = ((d.declarator.name, d.declarator.type) for segment in segments for d in segment.declared)
        scope = Scope(
            ksyms=ksyms,
            constants=constants,
            globals=frozenset(variables) - constants.keys(),
            parameters=frozenset(),
            is_program=False,
            functions=functions,
            macros=macros,
            macros_id=macros_id,
            pointers=frozenset(n for n, t in prototypes if isinstance(t, FuncProto) and isinstance(t.returns, Ptr)),
        )
        return FileNames(scope, variables, sections)

    def differing(self, other: FileNames) -> Set[str] | None:
        """The names that mean something else than in ``other``; ``None`` where macros do."""
        if self.scope.macros_id != other.scope.macros_id:
            return None
        if self == other:
            return frozenset()
        mine, its = self._tables, other._tables
        return {
            name
            for one, another in zip(mine, its, strict=True)
            for name in one.keys() | another.keys()
            if one.get(name) != another.get(name)
        }

    @property
    def _tables(self) -> Sequence[Mapping[str, object]]:
        scope = self.scope
        names = (dict.fromkeys(names, True) for names in (scope.ksyms, scope.globals, scope.functions, scope.pointers))
        return (*names, scope.constants, self.variables, self.sections)


def _constants(variables: Mapping[str, Variable]) -> Mapping[str, bool]:
    """File-level names that are constants to the compiler (True) or only to the verifier (False).

    A static variable that nobody writes is one to the compiler; Kconfig externs are rodata that libbpf fills.
    """
    return {
        name: "volatile" not in words and "extern" not in words
        for name, (words, _, _) in variables.items()
        if "const" in words or "extern" in words or ("static" in words and "volatile" not in words)
    }


class Code(NamedTuple):
    """What has been worked out of a body while ``names`` were the unit's.

    ``flow`` has its conditions, ``values`` those of arguments of calls, by an argument's first token; ``asked`` are
    the variables at file level that these rest on.
    """

    names: FileNames
    flow: Flow
    values: dict[int, Value | None]
    asked: dict[str, Variable | None]

    def has_values(self, names: FileNames) -> bool:
        """Whether the values are the same where ``names`` are the unit's."""
        before, now = self.names.scope, names.scope
        is_same = before.macros_id == now.macros_id and before.functions == now.functions
        return is_same and all(names.variables.get(name) == variable for name, variable in self.asked.items())
