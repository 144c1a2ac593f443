"""The table of options, the files that set them, and what is made from the table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfunc_lsp.cli import main
from kfunc_lsp.config import Config, ConfigError, load

ROOT = Path(__file__).parents[1]


def test_every_setting_is_in_the_table() -> None:
    options = (option.attribute for option in Config.options().values())
    assert list(Config.__match_args__) == [*options, "file", "origins"]


def test_the_page_is_the_tables_own(tmp_path: Path) -> None:
    page = tmp_path / "configuration.md"
    subprocess.run(
        [sys.executable, ROOT / "scripts" / "configuration-page", page],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )
    assert page.read_text() == (ROOT / "docs" / "configuration.md").read_text()


@pytest.mark.parametrize("name", Config.options())
def test_every_example_can_be_used(name: str, tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").write_text(Config.options()[name].example)
    assert load(str(tmp_path)).value(name)


def test_help_has_the_tables_words(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["check", "--help"])
    words = " ".join(capsys.readouterr().out.split())
    for option in Config.options().values():
        if option.flags:
            assert f"{option.description}{f': {option.item}' if option.item else ''}" in words


def test_the_nearest_file_counts_and_a_project_without_settings_is_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "kfunc-lsp.toml").write_text('kernels = "7.0"')
    (tmp_path / "a" / "pyproject.toml").write_text("[tool.other]\nx = 1\n")
    assert load(str(inner)).kernels == ("7.0",)
    (tmp_path / "a" / "pyproject.toml").write_text('[tool.kfunc-lsp]\nkernels = ["7.3"]\n')
    assert load(str(inner)).kernels == ("7.3",)
    (tmp_path / "a" / "kfunc-lsp.toml").write_text("\ufeffdefine = ['A']\n")
    assert (load(str(inner)).kernels, load(str(inner)).define) == ((), ("A",))


def test_paths_are_those_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    (tmp_path / "kfunc-lsp.toml").write_text(
        'kernels = ["7.3", "./k", "~/k"]\ninclude = ["inc", "/usr/include", "~/inc"]\n[targets]\nt = ["k/*", "6.*"]\n'
    )
    config = load(str(tmp_path))
    assert config.kernels == ("7.3", f"{tmp_path}/k", "/home/someone/k")
    assert config.include == (f"{tmp_path}/inc", "/usr/include", "/home/someone/inc")
    assert config.targets == {"t": (f"{tmp_path}/k/*", "6.*")}


@pytest.mark.parametrize("name", ["kfunc-lsp.toml", "pyproject.toml"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"kernels = [\n", ":2: is no TOML: invalid value at the end of the file"),
        (b"a = 1\nb = = 2\n", ":2:5: is no TOML: invalid value"),
        (b"a = 1\n# \xe9\n", ":2: is no TOML: a byte that is no UTF-8"),
        (b"a = " + b"[" * 100_000, ": is no TOML: nested too deeply"),
        (b"# " + b"x" * (1 << 20), ": is larger than 1 MiB"),
    ],
)
def test_a_broken_file_is_never_passed_over(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(content)
    (tmp_path / "below").mkdir()
    with pytest.raises(ConfigError) as caught:
        load(str(tmp_path / "below"))
    assert str(caught.value).startswith(f"{tmp_path / name}{words}")


@pytest.mark.parametrize("name", ["kfunc-lsp.toml", "pyproject.toml"])
def test_what_is_no_file_is_never_passed_over(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.mkdir()
    with pytest.raises(ConfigError, match="is no regular file"):
        load(str(tmp_path))
    path.rmdir()
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is no regular file"):
        load(str(tmp_path))
    path.unlink()
    path.symlink_to(tmp_path / "gone")
    with pytest.raises(ConfigError, match="cannot be read: no such file"):
        load(str(tmp_path))
    path.unlink()
    path.symlink_to(path)
    with pytest.raises(ConfigError, match="cannot be read: too many levels"):
        load(str(tmp_path))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    (tmp_path / "kfunc-lsp.toml").touch(0o000)
    with pytest.raises(ConfigError, match="cannot be read: permission denied"):
        load(str(tmp_path))


def test_settings_of_another_type(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("tool.kfunc-lsp = 3")
    with pytest.raises(ConfigError, match=r"`tool\.kfunc-lsp` must be a table"):
        load(str(tmp_path))


@pytest.mark.parametrize("name", ["./a", "6.*", "[a]", "a?", ""])
def test_a_targets_name_is_no_path_and_no_pattern(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name for a target"):
        Config().merged({"targets": {name: ["7.3"]}}, "here")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*Config.options(), "kernel"]) | st.text(max_size=5), _VALUES, max_size=4))
def test_whatever_a_client_sends_is_taken_or_refused(values: dict[str, object]) -> None:
    try:
        config = Config().merged(values, "here")
    except ConfigError:
        return
    assert all(isinstance(item, str) for name in ("kernels", "include", "define") for item in getattr(config, name))
    assert isinstance(config.located("/x"), Config)
