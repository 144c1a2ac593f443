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
    """All FUNCs of a vmlinux. ``load`` gives the bytes of its whole BTF, and is called at the first question.

    They are decoded for a name that is in them.
    """

    def __init__(self, load: Callable[[], bytes]) -> None:
        self._load = load

    @cached_property
    def _data(self) -> bytes:
        return self._load()

    @cached_property
    def _btf(self) -> Btf:
        return Btf.parse(self._data)

    def get(self, name: str) -> KernelFunction | None:
        """The first FUNC of this name, as no kfunc; ``None`` where there is none. Raises ``BtfError`` where
        it is damaged, and what ``load`` does.
        """
        if name.encode("utf-8", "replace") + b"\0" not in self._data:
            return None
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
