"""A baseline: the findings that a project has decided to live with, by fingerprint."""

from __future__ import annotations

import json
from collections.abc import Sequence

from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.report.fingerprint import fingerprints
from kfunc_lsp.report.item import Item

_VERSION = 1
_LARGEST = 64 << 20


class BaselineError(KfuncLspError):
    """A baseline that cannot be read; the text names the file and says why."""


@dataclass(frozen=True)
class Baseline:
    """What the file at ``path`` holds: a sentence for people by fingerprint."""

    path: str
    entries: dict[str, str]

    def new(self, items: Sequence[Item]) -> list[Item]:
        """The findings that are not in it."""
        names = fingerprints(items)
        return [item for item, name in zip(items, names, strict=True) if name not in self.entries]

    def gone(self, items: Sequence[Item]) -> int:
        """How many of its entries nothing is found for any more."""
        return len(self.entries.keys() - set(fingerprints(items)))


def read_baseline(path: str) -> Baseline:
    """The baseline in file ``path``. Raises ``BaselineError``."""
    advice = "write it with --update-baseline"
    try:
        with open(path, encoding="utf-8") as file:
            document = json.loads(file.read(_LARGEST))
    except OSError as error:
        reason = (error.strerror or "cannot be read").lower()
        raise BaselineError(f"{path}: {reason}; {advice}") from None
    except (ValueError, RecursionError):
        raise BaselineError(f"{path}: is no baseline (not JSON); {advice}") from None
    version = document.get("version") if isinstance(document, dict) else None
    if version != _VERSION or not isinstance(document.get("findings"), dict):
        raise BaselineError(f"{path}: is no baseline of version {_VERSION}; {advice}")
    return Baseline(path, {str(name): str(words) for name, words in document["findings"].items()})


def baseline_text(items: Sequence[Item]) -> str:
    """The file that holds ``items``: one line each, so that changes are easy to review."""
    named = zip(fingerprints(items), items, strict=True)
    entries = {name: f"{item.place.shown_path}: {item.rule}: {item.subject}" for name, item in named}
    ordered = dict(sorted(entries.items(), key=lambda entry: (entry[1], entry[0])))
    return json.dumps({"version": _VERSION, "findings": ordered}, indent=2, ensure_ascii=False) + "\n"
