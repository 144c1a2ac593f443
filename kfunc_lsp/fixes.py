"""Applying fixes to files: all of one fix or nothing of it, and never two that touch the same place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.report.item import Change, Item, Repair

_Key = tuple[int, int, str]


@dataclass
class Fixed:
    """Files by path, before and after; ``items`` are the findings whose fix is in it."""

    before: dict[str, bytes] = field(default_factory=dict)
    after: dict[str, bytes] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)

    def add(self, later: Fixed) -> None:
        """Make these the changes up to ``later``, whose files before are these after."""
        self.before = later.before | self.before
        self.after |= later.after
        self.items += later.items


def fix(items: Iterable[Item], read: Mapping[str, bytes], unsafe: bool) -> Fixed:
    """The files ``read`` with the fixes of ``items`` made: the safe ones, or all with ``unsafe``.

    A fix is left out where its file is not ``read`` or has changed, or where it overlaps with one before it. A change
    that several fixes share is made once.
    """
    chosen: dict[str, dict[_Key, Change]] = {}
    fixed = Fixed()
    for item in items:
        repair = item.fix
        if repair is None or (repair.caution and not unsafe) or not _fits(repair, read, chosen):
            continue
        for change in repair.changes:
            chosen.setdefault(change.place.path, {})[_key(change)] = change
        fixed.items.append(item)
    for path, changes in chosen.items():
        text = fixed.before[path] = read[path]
        for change in sorted(changes.values(), key=lambda c: (c.place.start, c.place.end), reverse=True):
            text = text[: change.place.start] + change.text.encode() + text[change.place.end :]
        fixed.after[path] = text
    return fixed


def _key(change: Change) -> _Key:
    return change.place.start, change.place.end, change.text


def _fits(repair: Repair, read: Mapping[str, bytes], chosen: Mapping[str, Mapping[_Key, Change]]) -> bool:
    for change in repair.changes:
        place = change.place
        text = read.get(place.path, b"")
        if not text or text[place.start : place.end].decode("utf-8", "replace") != change.old:
            return False
        others = chosen.get(place.path, {})
        if _key(change) not in others and any(_overlap(change, other) for other in others.values()):
            return False
    return True


def _overlap(one: Change, other: Change) -> bool:
    a, b = one.place, other.place
    return a.start <= b.end and b.start <= a.end


def diff(fixed: Fixed, shown: Mapping[str, str]) -> Iterator[str]:
    """The changes as a unified diff, line by line; ``shown`` are the paths' names in it."""
    import difflib

    for path, after in fixed.after.items():
        before = fixed.before[path].decode("utf-8", "replace")
        lines = before.splitlines(keepends=True), after.decode("utf-8", "replace").splitlines(keepends=True)
        for line in difflib.unified_diff(*lines, f"a/{shown[path]}", f"b/{shown[path]}"):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
