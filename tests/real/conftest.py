"""Real programs and real kernels' answers, from ``../shared``: unpacked once a session; skipped where it is absent."""

from __future__ import annotations

import json
import lzma
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from kfunc_lsp.project import Disk, Project
from kfunc_lsp.source.flags import parse_arguments
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import Unit
from tests.programs import SHARED


@dataclass
class Corpus:
    """The corpus, unpacked: ``commands`` by program relative to ``root``: arguments, folder, compiler."""

    root: Path
    commands: dict[str, tuple[list[str], str, str]]
    project: Project

    def unit(self, name: str, known: frozenset[str]) -> Unit:
        file = self.project.disk.program(str(self.root / name))
        return read_unit(file, self.project.headers, parse_arguments(*self.commands[name]), known)


def load(path: Path) -> Any:
    return json.loads(lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes())


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    folder = SHARED / "data" / "corpus"
    if not folder.is_dir():
        pytest.skip("needs ../shared/data/corpus")
    root = tmp_path_factory.mktemp("corpus")
    with tarfile.open(folder / "linux-7.3-bpf.tar.xz") as archive:
        archive.extractall(root, filter="data")
    text = lzma.decompress((folder / "compile_commands.json.in.xz").read_bytes()).decode().replace("@ROOT@", str(root))
    commands = {
        str(Path(entry["file"]).relative_to(root)): (entry["arguments"][1:], entry["directory"], "clang-19")
        for entry in json.loads(text)
    }
    return Corpus(root, commands, Project(Disk()))
