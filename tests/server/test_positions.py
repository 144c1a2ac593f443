from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from kfunc_lsp.server.positions import UTF8, UTF16, UTF32, Lines, encode, units

_ENCODINGS = st.sampled_from([UTF8, UTF16, UTF32])
_TEXTS = st.text(st.sampled_from("ab\t\n\ré𝄞✓\f\u2028"), max_size=40)


def _lines(text: str, encoding: str = UTF16) -> Lines:
    return Lines(encode(text), encoding)


@given(text=_TEXTS, encoding=_ENCODINGS, data=st.data())
def test_an_offset_comes_back_from_its_position(text: str, encoding: str, data: st.DataObject) -> None:
    offset = len(encode(text[: data.draw(st.integers(0, len(text)))]))
    if encode(text)[offset - 1 : offset + 1] == "\r\n":
        offset -= 1
    lines = _lines(text, encoding)
    assert lines.offset(lines.position(offset)) == offset


@given(text=_TEXTS, encoding=_ENCODINGS, line=st.integers(0, 50), character=st.integers(0, 50))
def test_any_position_is_brought_into_the_text_on_a_character(
    text: str, encoding: str, line: int, character: int
) -> None:
    lines = _lines(text, encoding)
    offset = lines.offset(types.Position(line=line, character=character))
    encode(text)[:offset].encode("latin-1").decode("utf-8")
    where = lines.position(offset)
    assert where.line <= line
    assert where.character <= character or where.line < line


@pytest.mark.parametrize(("encoding", "wanted"), [(UTF8, 9), (UTF16, 4), (UTF32, 3)])
def test_units_of_characters_outside_of_ascii(encoding: str, wanted: int) -> None:
    assert units(encode("é𝄞✓"), encoding) == wanted


def test_a_lone_surrogate_counts_one_unit() -> None:
    assert units(encode("\ud834"), UTF16) == 1


def test_a_position_inside_a_surrogate_pair_is_that_of_the_pair() -> None:
    assert _lines("a𝄞b").offset(types.Position(line=0, character=2)) == 1


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_of_the_protocol(end: str) -> None:
    lines = _lines(f"one{end}two{end}")
    assert lines.offset(types.Position(line=0, character=99)) == 3
    assert lines.position(3 + len(end)) == types.Position(line=1, character=0)
    assert lines.offset(types.Position(line=2, character=0)) == 2 * (3 + len(end))


@pytest.mark.parametrize("character", ["\f", "\v", "\x1c", "\x85", "\u2028"])
def test_what_python_takes_for_line_ends_is_none(character: str) -> None:
    assert _lines(f"a{character}b\nc").position(len(encode(f"a{character}b\n"))).line == 1
