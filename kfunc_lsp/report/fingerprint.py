"""Names of findings that stay when lines move: for baselines, and for services that follow a finding over time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kfunc_lsp.report.item import Item


def fingerprints(items: Iterable[Item]) -> list[str]:
    """For each finding 32 hexadecimal digits, different for all of them.

    They rest on the rule, the file, the function in question and the text of the line, not on its number, nor on the
    kernels; of findings that are alike in all this the first has the same one whatever becomes of the others.
    """
    import hashlib

    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for item in items:
        text = " ".join(item.marks[0].source.split())
        key = (item.rule, item.place.shown_path, item.subject, text)
        seen[key] += 1
        joined = "\0".join((*key, str(seen[key])))
        found.append(hashlib.sha256(joined.encode("utf-8", "replace")).hexdigest()[:32])
    return found
