"""Text for XML and HTML: what these cannot hold is replaced."""

from __future__ import annotations

import re
from xml.sax.saxutils import escape

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    """``text`` without characters that XML 1.0 forbids."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", text)


def escaped(text: str) -> str:
    """``text`` as content of an element."""
    return escape(printable(text))


def attribute(text: str) -> str:
    """``text`` as a quoted value of an attribute."""
    return '"' + escape(printable(text), {'"': "&quot;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}) + '"'
