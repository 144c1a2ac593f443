"""Lines of TOML statements, and values as TOML."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kfunc_lsp.toml import line_of, written

TEXT = '''# kernels = "in a comment"
define = [  # [
  "A=[",    # ]
  'b"',
]

note = """
kernels = 1
"""
"quoted key" = 1
tool.dotted.name = 2
inline = { a = 1, b = { c = [
  1] } }
[tool.kfunc-lsp]
kernels = '#'

[tool.kfunc-lsp.targets]
fleet = ["7.3"]
"odd one" = "7.3"
[[many]]
kernels = 3
'''


@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("define", 2),
        ("note", 7),
        ("quoted key", 10),
        ("tool", 11),
        ("tool dotted name".split(), 11),
        ("inline", 12),
        ("inline b c".split(), 12),
        (["tool", "kfunc-lsp"], 14),
        (["tool", "kfunc-lsp", "kernels"], 15),
        (["tool", "kfunc-lsp", "targets"], 17),
        (["tool", "kfunc-lsp", "targets", "fleet"], 18),
        (["tool", "kfunc-lsp", "targets", "odd one"], 19),
        ("many", 20),
        ("kernels", 0),
        (["tool", "nothing"], 0),
    ],
)
def test_the_line_that_sets_a_key(keys: str | list[str], line: int) -> None:
    assert line_of(TEXT, [keys] if isinstance(keys, str) else keys) == line
    assert line_of(TEXT.replace("\n", "\r\n"), [keys] if isinstance(keys, str) else keys) == line


_STRINGS = st.text(st.characters(exclude_categories=["Cs"]))
_VALUES = _STRINGS | st.lists(_STRINGS)
_TABLES = st.dictionaries(_STRINGS, _VALUES | st.dictionaries(_STRINGS, _VALUES, max_size=2), max_size=4)


@settings(max_examples=50)
@given(_TABLES)
def test_what_is_written_is_read_again_and_found_in_its_line(values: dict[str, object]) -> None:
    text = "".join(f"# {number}\n{written({key: value})[2:-2]}\n" for number, (key, value) in enumerate(values.items()))
    assert tomllib.loads(text) == values
    assert [line_of(text, [key]) for key in values] == [2 * number + 2 for number in range(len(values))]


@given(st.text("[]{}\"'#=a\n\\ .", max_size=40))
def test_whatever_is_no_toml_has_a_line_or_none(text: str) -> None:
    assert 0 <= line_of(text, ["a"]) <= text.count("\n") + 1
