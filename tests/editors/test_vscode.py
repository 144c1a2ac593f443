"""The extension for VS Code says what the server does. What it does in VS Code is tested by scripts/editors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from kfunc_lsp import __version__
from kfunc_lsp.config import Config

ROOT = Path(__file__).parents[2]
EXTENSION = ROOT / "editors" / "vscode"
PACKAGE: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text())


def test_its_settings_are_the_table_of_options(tmp_path: Path) -> None:
    made = tmp_path / "package.json"
    subprocess.run([sys.executable, ROOT / "scripts" / "vscode-settings", made], check=True, timeout=60)
    assert json.loads(made.read_text()) == PACKAGE, "run scripts/vscode-settings"
    properties = PACKAGE["contributes"]["configuration"]["properties"]
    for option in Config.options().values():
        described = properties[f"kfunc-lsp.{option.name}"]["markdownDescription"]
        assert option.description.lower() in described.lower()
        assert option.unset in described


def test_no_workspace_says_what_is_run() -> None:
    properties = PACKAGE["contributes"]["configuration"]["properties"]
    programs = {name for name in properties if name.startswith("kfunc-lsp.server.")}
    assert programs
    assert programs == set(PACKAGE["capabilities"]["untrustedWorkspaces"]["restrictedConfigurations"])
    assert {properties[name]["scope"] for name in programs} == {"machine-overridable"}


def test_it_brings_along_what_the_server_needs() -> None:
    pinned = re.findall(r"^([\w.-]+)==", (EXTENSION / "bundled.txt").read_text(), re.MULTILINE)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [re.split(r"[<>=]", text)[0].lower() for text in project["dependencies"]]
    assert set(needed) <= {name.lower() for name in pinned}
    assert PACKAGE["version"] == __version__


def test_its_lock_names_no_registry() -> None:
    lock = json.loads((EXTENSION / "package-lock.json").read_text())
    assert lock["packages"]
    assert not any("resolved" in package for package in lock["packages"].values())
