"""A kernel's code and data as it stands in memory: what registrations are found in.

Owns the values alone. ``elf`` fills them from a vmlinux, ``module`` from a relocatable ``.ko``; what is looked
for in them is ``kernel.registrations``' business.
"""

from __future__ import annotations

from kfunc_lsp.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Section:
    """One allocated section: its bytes, and the address that the kernel is linked to have it at."""

    name: str
    address: int
    data: bytes
    executable: bool


@dataclass(frozen=True, slots=True)
class Code:
    """The sections of a kernel (or module) of ``arch``, and the address of its ``.BTF_ids``.

    ``arch`` is the ELF machine in lower case without ``EM_``. ``symbols`` are the addresses of functions that
    are known by name; a stripped image has none.
    """

    arch: str
    sections: tuple[Section, ...]
    ids_address: int
    symbols: dict[str, int]
