"""The FUNCs of a kernel that are no kfuncs: libbpf finds them too, and the index leaves them out.

Looked up one at a time, when a program names one. A pack does not have them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.btf.types import Kind
from kfunc_lsp.kernel.model import FunctionClass, KernelFunction


class Functions:
    """All FUNCs of a vmlinux. ``load`` gives its whole BTF, and is called at the first question."""

    def __init__(self, load: Callable[[], Btf]) -> None:
        self._load = load

    @cached_property
    def _btf(self) -> Btf:
        return self._load()

    def get(self, name: str) -> KernelFunction | None:
        """The first FUNC of this name, as no kfunc; ``None`` where there is none. Raises ``BtfError`` where
        it is damaged, and what ``load`` does.
        """
        ids = self._btf.find(name, Kind.FUNC)
        if not ids:
            return None
        prototype = self._btf.func_proto(ids[0])
        return KernelFunction(
            name=name,
            klass=FunctionClass.FUNCTION,
            type_id=ids[0],
            tagged=False,
            flags=None,
            flag_sets=None,
            base=None,
            load_prototype=lambda: prototype,
        )
