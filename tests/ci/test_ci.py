"""What teams put into their CI: the hook, the action, the GitLab job, the snippets of docs/ci.md, each run for real."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.cli.test_check import FIXED, PROGRAM
from tests.test_files import git

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


def shell(script: str, folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as runners do: bash that ends at the first command that fails."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with one program that has a finding, and all headers."""
    folder = tmp_path / "a project"
    shutil.copytree(ROOT / "tests" / "include", folder / "src" / "include")
    (folder / "src" / "bad.bpf.c").write_text(PROGRAM)
    git(folder, "init", "-q")
    git(folder, "add", ".")
    return folder


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder that looks like what the install step makes, so that only the check is run."""
    place = tmp_path / "kfunc-lsp" / "bin"
    place.mkdir(parents=True)
    (place / "kfunc-lsp").symlink_to(BIN / "kfunc-lsp")
    return tmp_path


def substituted(text: str, values: Mapping[str, str]) -> str:
    """A value of an action with its expressions replaced; one that is not known is an error."""
    return re.sub(r"\$\{\{ (\S+) \}\}", lambda match: values[match[1]], text)


def steps(given: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """The action's steps as scripts and their environments."""
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert set(given) <= set(action["inputs"])
    values = {f"inputs.{name}": given.get(name, item["default"]) for name, item in action["inputs"].items()}
    values["github.action_path"] = str(ROOT)
    assert all("${{" not in step["run"] for step in action["runs"]["steps"]), "an input is no code"
    return [
        (step["run"], {name: substituted(value, values) for name, value in step.get("env", {}).items()})
        for step in action["runs"]["steps"]
    ]


def test_the_action_annotates_and_writes_sarif(project: Path, installed: Path) -> None:
    script, environment = steps({"files": "src", "kernels": "6.18 7.*", "sarif": "found.sarif"})[1]
    output = installed / "output"
    answer = shell(script, project, {**environment, "RUNNER_TEMP": str(installed), "GITHUB_OUTPUT": str(output)})
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout.startswith("::error file=src/bad.bpf.c,line=3")
    assert json.loads((project / "found.sarif").read_text())["runs"][0]["results"]
    assert output.read_text() == "sarif=found.sarif\n"
    (project / "src" / "bad.bpf.c").write_text(FIXED)
    script, environment = steps({"kernels": "7.3", "arguments": "--severity error"})[1]
    answer = shell(script, project, {**environment, "RUNNER_TEMP": str(installed), "GITHUB_OUTPUT": str(output)})
    assert answer.returncode == 0, answer.stdout


def gitlab(inputs: Mapping[str, str]) -> list[str]:
    """The script of the GitLab job."""
    head, job = yaml.safe_load_all((ROOT / "templates" / "kfunc-lsp.yml").read_text())
    defaults = {name: item["default"] for name, item in head["spec"]["inputs"].items()}
    assert set(inputs) <= set(defaults)
    values = {**defaults, **inputs}
    lines: list[str] = job["kfunc-lsp"]["script"]
    return [re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda match: values[match[1]], line) for line in lines]


def test_the_gitlab_job_writes_both_reports(project: Path, installed: Path) -> None:
    *_, check = gitlab({"files": "src", "arguments": "--kernel 7.3"})
    answer = shell(check, project, {"TMPDIR": str(installed)})
    assert answer.returncode == 1, answer.stderr
    assert "error[implicit-argument-passed]" in answer.stdout
    assert json.loads((project / "gl-code-quality-report.json").read_text())[0]["severity"] == "critical"
    assert "<testsuites" in (project / "kfunc-lsp.xml").read_text()


def snippet(name: str) -> str:
    """The part of docs/ci.md that is marked as the file ``name``."""
    found = re.search(
        rf"<!-- tested: {re.escape(name)} -->\n```\w+\n(.*?)```", (ROOT / "docs" / "ci.md").read_text(), re.S
    )
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("file", "commands", "tool"),
    [
        ("Makefile", "make check", "make"),
        pytest.param(
            "meson.build",
            "meson setup out && meson test -C out --print-errorlogs",
            "meson",
            marks=pytest.mark.slow,
        ),
        pytest.param(
            "CMakeLists.txt",
            "cmake -S . -B out && cd out && ctest --output-on-failure",
            "cmake",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_the_snippets_fail_for_findings_and_pass_without(project: Path, file: str, commands: str, tool: str) -> None:
    path = f"{BIN}:{os.environ['PATH']}"
    if shutil.which(tool, path=path) is None:
        pytest.skip(f"{tool} is not installed")
    (project / file).write_text(snippet(file))
    answer = shell(commands, project, {"PATH": path})
    assert answer.returncode != 0
    assert "error[implicit-argument-passed]" in answer.stdout
    (project / "src" / "bad.bpf.c").write_text("int unrelated;\n")
    shutil.rmtree(project / "out", ignore_errors=True)
    answer = shell(commands, project, {"PATH": path})
    assert answer.returncode == 0, answer.stdout


@pytest.mark.slow
def test_the_action_installs_by_itself(project: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    for script, environment in steps({"files": "src", "kernels": "7.3", "python": sys.executable}):
        answer = shell(script, project, {**environment, "RUNNER_TEMP": str(tmp_path), "GITHUB_OUTPUT": str(output)})
    assert answer.returncode == 1, answer.stderr
    assert answer.stdout.startswith("::error file=src/bad.bpf.c,line=3")


@pytest.mark.slow
def test_a_viewer_opens_sarif(project: Path) -> None:
    viewer = BIN / "sarif"
    if not viewer.exists():
        pytest.skip("sarif-tools is not installed")
    script = f"{BIN}/kfunc-lsp check src -k 7.3 --exit-zero --format sarif:found.sarif; {viewer} summary found.sarif"
    answer = shell(script, project, {})
    assert answer.stderr == ""
    assert re.search(r"^error: 1\n - implicit-argument-passed .*: 1$", answer.stdout, re.MULTILINE)


@pytest.mark.slow
def test_pre_commit_runs_the_hook(project: Path, tmp_path: Path) -> None:
    pytest.importorskip("pre_commit")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(ROOT), str(clone))
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", clone)
    git(clone, "add", ".")
    git(clone, "-c", "user.name=x", "-c", "user.email=x@x", "commit", "-q", "--allow-empty", "-m", "hooks")
    config = project / ".pre-commit-config.yaml"
    environment = {"PRE_COMMIT_HOME": str(tmp_path / "pre-commit"), "PATH": f"{BIN}:{os.environ['PATH']}"}
    for hook, code in (("kfunc-lsp", 1), ("kfunc-lsp-fix", 1), ("kfunc-lsp", 0)):
        config.write_text(f"repos:\n- repo: {clone}\n  rev: HEAD\n  hooks:\n  - id: {hook}\n    args: [-k, '7.3']\n")
        git(project, "add", ".")
        answer = shell("pre-commit run", project, environment)
        assert answer.returncode == code, answer.stdout + answer.stderr
        if hook == "kfunc-lsp" and code:
            assert "error[implicit-argument-passed]" in answer.stdout
    assert (project / "src" / "bad.bpf.c").read_text() == FIXED
