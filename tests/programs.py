"""Programs for tests: texts and files read as the command line reads them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kfunc_lsp.rules.model import Fix
from kfunc_lsp.source.cache import HeaderCache
from kfunc_lsp.source.flags import Flags, parse_arguments
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import SourceFile, Unit

INCLUDE = Path(__file__).parent / "include"
SHARED = Path(__file__).parents[2] / "shared"
"""Real kernels and programs beside a checkout; tests that need it are skipped without."""

FLAGS = parse_arguments(["-O2", "-mcpu=v3", f"-I{INCLUDE}"], "/")


@dataclass
class Memory:
    """Files that exist only here, and those of ``tests/include``."""

    files: dict[str, SourceFile] = field(default_factory=dict)

    def read(self, path: str) -> SourceFile | None:
        if path not in self.files:
            if not path.startswith(str(INCLUDE)) or not Path(path).is_file():
                return None
            self.files[path] = source(path, Path(path).read_bytes())
        return self.files[path]


def source(path: str, text: str | bytes) -> SourceFile:
    data = text.encode() if isinstance(text, str) else text
    return SourceFile(path, data.decode("latin-1"))


def unit(
    text: str | bytes,
    known: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
    flags: Flags = FLAGS,
    path: str = "/p/main.bpf.c",
) -> Unit:
    """The unit of ``text``; ``headers`` stand beside it."""
    memory = Memory({f"/p/{name}": source(f"/p/{name}", body) for name, body in (headers or {}).items()})
    return read_unit(source(path, text), HeaderCache(memory), flags, frozenset(known))


def everything(unit: Unit) -> object:
    """All that a unit says, places included, to compare two readings."""
    uses = [
        (
            (u.name, u.kind, u.span.start, u.span.end, u.span.file.path, u.function, u.macro, u.expansion.start),
            [(a.start, a.end) if a else None for a in u.arguments],
            (u.definition.start if u.definition else None, u.guards, [u.value(i) for i in range(u.argument_count)]),
        )
        for u in unit.uses
    ]
    declared = [
        (d.name, d.weak, d.ksym, d.span.start, d.span.end, repr(d.type))
        for ds in unit.declarations.values()
        for d in ds
    ]
    functions = [
        (
            (f.name, f.section, f.is_static, f.span.start, f.members),
            [(m.function, m.is_call, m.callee, m.argument, m.guards) for m in f.mentions],
        )
        for f in unit.functions.values()
    ]
    return uses, declared, functions, list(unit.missing_headers), list(unit.problems)


def applied(text: str, fixes: Iterable[Fix]) -> str:
    """``text`` (as in ``SourceFile``) with the edits of ``fixes``; an edit that several fixes share is made once."""
    edits = {(e.span.start, e.span.end, e.text): None for fix in fixes for e in fix.edits}
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text
