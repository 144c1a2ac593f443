"""Safe fixes of the verdict cases: what they mend compiles, is found no more, and loads where it is meant to."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import run
from tests.programs import SHARED
from tests.real.conftest import Corpus, load
from tests.rules.test_oracle import KERNELS, ask, is_said
from tests.rules.test_oracle import pytestmark as pytestmark

CASES = SHARED / "data" / "verdicts" / "cases"
FLEETS = {**{kernel: (kernel,) for kernel in KERNELS}, "all": tuple(KERNELS)}
"""The kernels that the cases are mended for."""
Key = tuple[str, str, str]
"""File, rule and function."""
REFUSED_OTHERWISE = {
    "f39_enumptr_for_intptr": "metadata kfuncs require device-bound program",
    "g14c_str_not_terminated": "string is not zero-terminated",
    "g24_cb_wrong_proto": "invalid access to map value",
    "j06_impl_and_earlier_error": "invalid mem access 'scalar'",
}
"""Cases that the kernel refuses for what no rule tells, and its words."""


@dataclass(frozen=True)
class Mended:
    """The cases in a folder of their own, with all safe fixes made; ``safe`` are the findings that had one."""

    folder: Path
    fleet: str
    safe: frozenset[Key]

    @property
    def changed(self) -> list[Path]:
        return [p for p in sorted(self.folder.glob("*.bpf.c")) if p.read_text() != (CASES / p.name).read_text()]


def check(folder: Path, fleet: str, *more: str) -> list[dict[str, Any]]:
    """The findings of ``kfunc-lsp check`` for a fleet."""
    kernels = [word for kernel in FLEETS[fleet] for word in ("--kernel", kernel)]
    answer = run("check", *kernels, "--format", "json", *more, cwd=folder)
    return list(json.loads(answer.stdout)["findings"])


def key(finding: dict[str, Any]) -> Key:
    return Path(finding["place"]["path"]).name, finding["rule"], finding["subject"]


@pytest.fixture(scope="module")
def mended(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Mended]:
    """The mended cases by fleet."""
    found = {}
    includes = [f"-I{corpus.root / 'inc'}", f"-I{CASES}"]
    plain = ["clang-19", "-target", "bpf", "-O2", "-mcpu=v3", "-D__TARGET_ARCH_x86", "-DBPF_NO_KFUNC_PROTOTYPES"]
    for fleet in FLEETS:
        folder = tmp_path_factory.mktemp(fleet)
        commands = []
        for case in CASES.glob("*.bpf.c"):
            shutil.copy(case, folder)
            own = re.search(r"^// cflags:(.*)$", case.read_text(), re.M)
            arguments = [*plain, *includes, *shlex.split(own[1] if own else ""), "-c", case.name]
            commands.append({"directory": str(folder), "file": case.name, "arguments": arguments})
        (folder / "compile_commands.json").write_text(json.dumps(commands))
        safe = frozenset(key(f) for f in check(folder, fleet) if f.get("fix") and f["fix"]["safe"])
        check(folder, fleet, "--fix")
        found[fleet] = Mended(folder, fleet, safe)
    return found


@pytest.mark.parametrize("fleet", FLEETS)
def test_what_was_safe_to_mend_is_gone_and_nothing_is_left_to_mend(mended: dict[str, Mended], fleet: str) -> None:
    cases = mended[fleet]
    assert len(cases.changed) > 20
    left = check(cases.folder, fleet)
    assert not cases.safe & {key(finding) for finding in left}
    assert not [finding for finding in left if finding.get("fix") and finding["fix"]["safe"]]


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_accept_what_has_been_mended(mended: dict[str, Mended], kernel: str, tmp_path: Path) -> None:
    """Or refuse it for what is still found, or for what no rule tells."""
    rows = load(SHARED / "data" / "verdicts" / "verdicts.json")
    broken = {row["case"] for row in rows if row["kernel"] == KERNELS[kernel] and row["verdict"] == "compile_error"}
    foreseen: dict[str, list[str]] = {}
    for cases in mended.values():
        if kernel not in FLEETS[cases.fleet]:
            continue
        for path in cases.changed:
            case = path.name.removesuffix(".bpf.c")
            if case not in broken:
                name = f"{cases.fleet}-{path.name}"
                shutil.copy(path, tmp_path / name)
                foreseen[name] = [REFUSED_OTHERWISE[case]] if case in REFUSED_OTHERWISE else []
        for finding in check(cases.folder, kernel):
            name = f"{cases.fleet}-{key(finding)[0]}"
            if name in foreseen:
                foreseen[name] += (prediction["message"] for prediction in finding["predictions"])
    answers, printed = ask(kernel, [tmp_path / name for name in foreseen])
    for name, words in foreseen.items():
        found = answers.get(name.removesuffix(".c") + ".o")
        assert found, (name, printed[-2000:])
        for row in found:
            said = json.dumps(row)
            assert row["verdict"] == "ok" or any(is_said(message, said) for message in words), (name, said[:2000])
    assert any(name.startswith("all-c10") for name in foreseen)
    assert sum(not words for words in foreseen.values()) > 30
