"""A small typed assembler of BTF, so that a test states its whole kernel in a few lines.

    b = BtfBuilder()
    task = b.ptr(b.struct("task_struct"))
    b.kfunc("bpf_task_release", VOID, [("p", task)], flags=KF_RELEASE)
    b.implicit_kfunc("bpf_foo", b.integer(), [("p", task)], [("aux", b.prog_aux())])
    kernel = b.kernel("7.3")

Every method that adds a type returns its id. The wire format is spelled out here a second time, apart from
the code under test, so that a mistake there does not meet itself.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from kfunc_lsp.btf.decoder import Btf
from kfunc_lsp.kernel.classify import build_kernel
from kfunc_lsp.kernel.model import Kernel, Provenance

VOID = 0
KFUNC_TAG = "bpf_kfunc"
KF_IMPLICIT_ARGS = 1 << 16

Params = Sequence[tuple[str, int]]


class BtfBuilder:
    """One BTF section under construction, with the kfunc sets that go with it.

    ``base`` makes it a split one. ``layout`` maps kinds to (info_sz, elem_sz) in bytes; with it the header
    has 32 bytes and the section describes those kinds.
    """

    def __init__(
        self,
        base: BtfBuilder | None = None,
        *,
        big_endian: bool = False,
        layout: Mapping[int, tuple[int, int]] | None = None,
    ) -> None:
        self._order = ">" if big_endian else "<"
        self._base = base
        self._layout = layout
        self._types = b""
        self._count: int = base._count if base else 1
        self._strings = b"" if base else b"\0"
        self._first_string: int = base._first_string + len(base._strings) if base else 0
        self._named: dict[tuple[int, str], int] = {}
        self._sets: list[dict[int, int]] = []

    def raw(
        self,
        kind: int,
        name: str | int = "",
        size_or_type: int = 0,
        *,
        vlen: int = 0,
        kflag: bool = False,
        extra: Iterable[int] = (),
    ) -> int:
        """A record exactly as given; ``name`` may be a string offset."""
        name_off = self.string(name) if isinstance(name, str) else name
        info = kflag << 31 | kind << 24 | vlen
        words = [name_off, info, size_or_type, *extra]
        self._types += struct.pack(f"{self._order}{len(words)}I", *words)
        self._count += 1
        return self._count - 1

    def string(self, text: str | bytes) -> int:
        """The offset of ``text``, appended to the string section; 0 for the empty one."""
        if not text:
            return 0
        offset = self._first_string + len(self._strings)
        self._strings += (text.encode() if isinstance(text, str) else text) + b"\0"
        return offset

    def integer(self, name: str = "int", size: int = 4) -> int:
        return self._once(1, name, size, extra=(size * 8,))

    def real(self, name: str, size: int) -> int:
        return self._once(16, name, size)

    def struct(self, name: str) -> int:
        return self._once(4, name)

    def union(self, name: str) -> int:
        return self._once(5, name)

    def enum(self, name: str, *, wide: bool = False) -> int:
        return self._once(19 if wide else 6, name, 8 if wide else 4)

    def fwd(self, name: str, *, is_union: bool = False) -> int:
        return self.raw(7, name, kflag=is_union)

    def ptr(self, target: int = VOID) -> int:
        return self.raw(2, size_or_type=target)

    def array(self, element: int, count: int) -> int:
        return self.raw(3, extra=(element, self.integer(), count))

    def typedef(self, name: str, target: int) -> int:
        return self.raw(8, name, target)

    def volatile(self, target: int) -> int:
        return self.raw(9, size_or_type=target)

    def const(self, target: int) -> int:
        return self.raw(10, size_or_type=target)

    def restrict(self, target: int) -> int:
        return self.raw(11, size_or_type=target)

    def type_tag(self, name: str, target: int, *, is_attribute: bool = False) -> int:
        return self.raw(18, name, target, kflag=is_attribute)

    def proto(self, returns: int = VOID, params: Params = (), *, variadic: bool = False) -> int:
        words = [word for name, param in params for word in (self.string(name), param)]
        words += [0, 0] * variadic
        return self.raw(13, size_or_type=returns, vlen=len(words) // 2, extra=words)

    def decl_tag(self, name: str, target: int, component: int = -1) -> int:
        return self.raw(17, name, target, extra=(component & 0xFFFFFFFF,))

    def function(self, name: str, returns: int = VOID, params: Params = (), *, variadic: bool = False) -> int:
        """A FUNC with its FUNC_PROTO: not a kfunc."""
        return self.raw(12, name, self.proto(returns, params, variadic=variadic), vlen=1)

    def prog_aux(self) -> int:
        """``struct bpf_prog_aux *``, the type of most implicit arguments."""
        return self.ptr(self.struct("bpf_prog_aux"))

    def kfunc(
        self,
        name: str,
        returns: int = VOID,
        params: Params = (),
        *,
        flags: int | Sequence[int] | None = 0,
        tagged: bool = True,
        variadic: bool = False,
    ) -> int:
        """A kfunc; several ``flags`` put it into as many sets, ``None`` into none."""
        func = self.function(name, returns, params, variadic=variadic)
        if tagged:
            self.decl_tag(KFUNC_TAG, func)
        each = (flags,) if isinstance(flags, int) else flags or ()
        for index, value in enumerate(each):
            if index == len(self._sets):
                self._sets.append({})
            self._sets[index][func] = value
        return func

    def implicit_kfunc(
        self,
        name: str,
        returns: int = VOID,
        params: Params = (),
        implicit: Params | None = None,
        *,
        flags: int = 0,
        legacy: bool = False,
    ) -> int:
        """A kfunc with implicit arguments (``aux`` unless told) and its ``_impl``; the id of the visible one.

        ``legacy`` makes the ``_impl`` a kfunc too.
        """
        if implicit is None:
            implicit = [("aux", self.prog_aux())]
        func = self.kfunc(name, returns, params, flags=flags | KF_IMPLICIT_ARGS)
        impl = [*params, *implicit]
        if legacy:
            self.kfunc(name + "_impl", returns, impl, flags=flags)
        else:
            self.function(name + "_impl", returns, impl)
        return func

    def build(self) -> bytes:
        """The ``.BTF`` section."""
        layout = self._layout_section()
        hdr_len = 24 if self._layout is None else 32
        lengths = [0, len(self._types), len(self._types), len(self._strings)]
        if self._layout is not None:
            lengths += [len(self._types) + len(self._strings), len(layout)]
        header = struct.pack(f"{self._order}HBBI{len(lengths)}I", 0xEB9F, 1, 0, hdr_len, *lengths)
        return header + self._types + self._strings + layout

    def btf_ids(self) -> bytes:
        """The ``.BTF_ids`` section: the sets of the kfuncs."""
        words: list[int] = []
        for members in self._sets:
            words += [len(members), 1]
            for func, flags in sorted(members.items()):
                words += [func, flags]
        return struct.pack(f"{self._order}{len(words)}I", *words)

    def kernel(self, name: str = "7.3", *, flags_known: bool = True, known_names: Iterable[str] = ()) -> Kernel:
        """The index of this kernel, as if read from an image, or without flags from BTF alone."""
        provenance = Provenance("image" if flags_known else "btf", name, "")
        ids = self.btf_ids() if flags_known else None
        return build_kernel(
            self.parse(),
            ids,
            name=name,
            release=name,
            provenance=provenance,
            known_names=frozenset(known_names),
        )

    def parse(self) -> Btf:
        """The section, decoded, with its base."""
        return Btf.parse(self.build(), self._base.parse() if self._base else None)

    def _once(self, kind: int, name: str, size: int = 0, extra: Iterable[int] = ()) -> int:
        """A named type; asking again gives the same one."""
        key = (kind, name)
        if key not in self._named:
            self._named[key] = self.raw(kind, name, size, extra=extra)
        return self._named[key]

    def _layout_section(self) -> bytes:
        if self._layout is None:
            return b""
        entries = [self._layout.get(kind, (0, 0)) for kind in range(max(self._layout, default=-1) + 1)]
        return b"".join(struct.pack(f"{self._order}BBH", *entry, 0) for entry in entries)
