"""Text made ready by search, where a pattern would take longer."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from kfunc_lsp.source.text import IDENTIFIER, blank, comments, identifiers

SIGNS = ("/", "*", "/*", "*/", "//", "\n", " ", '"', "'", "\\", "a", "bc_", "1", "0x1f", "$", "é", "#", "\r\n", "\\\n")
C = st.lists(st.sampled_from(SIGNS), max_size=16).map("".join)


@given(C)
def test_identifiers_are_what_their_pattern_finds(text: str) -> None:
    assert identifiers(text) == frozenset(IDENTIFIER.findall(text))


@given(C)
@example('"\\\\\n/* */"')
def test_comments_and_nothing_else_become_spaces(text: str) -> None:
    expected = text
    for start, end in comments(text):
        assert text.startswith(("/*", "//"), start)
        expected = f"{expected[:start]}{' ' * (end - start)}{expected[end:]}"
    for splice in ("\\\r\n", "\\\n"):
        expected = expected.replace(splice, " " * len(splice))
    assert blank(text) == expected


@given(C.filter(lambda text: "*/" not in text and "/*" not in text and not text.startswith("/")))
def test_a_comment_ends_where_it_is_closed(inside: str) -> None:
    comment = f"/*{inside} */"
    assert list(comments(f"a;{comment}b;/* c */")) == [(2, 2 + len(comment)), (4 + len(comment), 11 + len(comment))]
