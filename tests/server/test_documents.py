"""URIs of files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pygls.uris import from_fs_path, to_fs_path

from kfunc_lsp.server.documents import file_of, uri_of

TEXT = st.text(st.sampled_from("/aZ0.-_~+ %;?#:\\c2é\n"), max_size=9)


@given(TEXT)
def test_paths_and_uris_are_what_pygls_makes_of_them(text: str) -> None:
    for path in (f"/{text}", f"/home/{text}", text):
        if not path.startswith("//"):  # where pygls raises an error
            assert uri_of(path) == from_fs_path(path)
    for uri in (f"file://{text}", f"file:///{text}", f"file:///home/{text}", f"untitled:{text}", text):
        try:
            expected = to_fs_path(uri)
        except ValueError:
            continue
        assert file_of(uri) == expected
