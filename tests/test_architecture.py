"""What ARCHITECTURE.md says of imports holds."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "kfunc_lsp"
MODULES = sorted(PACKAGE.rglob("*.py"))

ALLOWED = {
    "btf": {"btf", "errors"},
    "image": {"image", "errors", "kernel"},
    "kernel": {"kernel", "btf", "image", "errors"},
    "unit": {"unit", "btf"},
    "source": {"source", "unit", "btf"},
    "object": {"object", "unit", "btf", "image", "errors"},
    "rules": {"rules", "unit", "kernel", "btf", "errors"},
    "report": {"report", "rules", "unit"},
}
"""What each part may import of this package; parts that only show things may import all but ``server`` and ``cli``."""


@cache
def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def test_only_the_server_imports_the_protocol() -> None:
    importing = {path for path in MODULES if {name.split(".")[0] for name in imports(path)} & {"pygls", "lsprotocol"}}
    assert {part(path) for path in importing} == {"server"}


def test_parts_import_in_one_direction() -> None:
    for path in MODULES:
        ours = {name.split(".")[1] for name in imports(path) if name.startswith("kfunc_lsp.")} - {"dataclass"}
        assert ours <= ALLOWED.get(part(path), ours), path
        assert "cli" not in ours or part(path) in ("cli", "__main__"), path
        assert "server" not in ours or part(path) in ("cli", "server"), path


NOT_FOR_A_CHECK = {
    "pygls", "lsprotocol", "elftools", "yaml", "pathspec", "dataclasses", "inspect", "importlib.resources", "logging",
    "concurrent.futures", "multiprocessing", "threading", "tempfile", "hashlib", "tarfile", "shutil", "bz2", "lzma",
    "difflib", "pkgutil", "pathlib", "urllib.parse", "kfunc_lsp.image.bzimage", "kfunc_lsp.image.folder",
    "kfunc_lsp.kernel.modules", "kfunc_lsp.kernel.registrations", "kfunc_lsp.btf.vmlinux_h",
}  # fmt: skip
"""What costs a small check of C against a pack more than it brings: it is imported where it is used."""


def test_a_check_loads_what_it_needs() -> None:
    script = (
        "import sys; from kfunc_lsp.cli import main; "
        "main(['check', 'examples/snooper.bpf.c', '--kernel', '7.3']); "
        f"print(sorted({NOT_FOR_A_CHECK} & sys.modules.keys()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=PACKAGE.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


NOT_FOR_THE_FIRST_DIAGNOSTICS = {
    "pygls", "lsprotocol", "asyncio", "socket", "ssl", "subprocess", "signal", "logging", "concurrent.futures",
    "difflib", "traceback", "elftools", "yaml", "dataclasses", "inspect", "ast", "tokenize", "tempfile", "hashlib",
    "shutil", "pickle", "pkgutil", "argparse",
}  # fmt: skip
"""What a server leaves for later than the answer to ``initialize`` and the first document's diagnostics."""


def test_the_first_diagnostics_load_what_they_need() -> None:
    script = (
        "import sys; from pathlib import Path; from kfunc_lsp.server.handshake import handshake; "
        "from kfunc_lsp.server.opening import begin; from kfunc_lsp.server.diagnostics import report; "
        "session = begin({'initializationOptions': {'kernels': ['7.3']}}, None); "
        "file = Path('examples/snooper.bpf.c').absolute(); session.open(f'file://{file}', 1, file.read_text()); "
        "assert report(session, *session.documents.values())['items']; "
        f"print(sorted({NOT_FOR_THE_FIRST_DIAGNOSTICS} & sys.modules.keys()))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=PACKAGE.parent, capture_output=True, text=True, timeout=60, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_no_module_outgrows_one_noun() -> None:
    assert [p.name for p in MODULES if len(p.read_text().splitlines()) > 400] == []
