"""What has been worked out of functions' bodies, kept with their segments from one state of a text to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from kfunc_lsp.source.expression import Scope
from kfunc_lsp.source.flow import Flow
from kfunc_lsp.source.segment import Variable
from kfunc_lsp.unit.value import Value


class FileNames(NamedTuple):
    """What names mean at file level: in conditions, of variables, and of functions the ``sections`` of prototypes."""

    scope: Scope
    variables: Mapping[str, Variable]
    sections: Mapping[str, str]


class Code(NamedTuple):
    """What has been worked out of a body while ``names`` were the unit's.

    ``flow`` has its conditions, ``values`` those of the arguments of calls, by the call's token; ``asked`` are the
    variables at file level that these rest on.
    """

    names: FileNames
    flow: Flow
    values: dict[int, tuple[Value | None, ...]]
    asked: dict[str, Variable | None]

    def has_values(self, names: FileNames) -> bool:
        """Whether the values are the same where ``names`` are the unit's."""
        before, now = self.names.scope, names.scope
        is_same = before.macros_id == now.macros_id and before.functions == now.functions
        return is_same and all(names.variables.get(name) == variable for name, variable in self.asked.items())
