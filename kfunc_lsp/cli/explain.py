"""``kfunc-lsp explain``: a rule's documentation."""

from __future__ import annotations

import difflib

from kfunc_lsp import rules
from kfunc_lsp.cli import CLEAN
from kfunc_lsp.errors import KfuncLspError


def run(name: str | None) -> int:
    """Print the page of rule ``name``, or list the rules. Raises ``KfuncLspError`` for a name that is none."""
    by_name = {rule.name: rule for rule in rules.ALL}
    if name is None:
        width = max(len(known) for known in by_name)
        for known, rule in by_name.items():
            print(f"{known:<{width}}  {rule.summary}")
        return CLEAN
    wanted = by_name.get(name)
    if wanted is None:
        near = difflib.get_close_matches(name, by_name, 3, 0.5)
        hint = f"did you mean {', '.join(near)}?" if near else "`kfunc-lsp explain` lists them"
        raise KfuncLspError(f"there is no rule `{name}`; {hint}")
    print(f"# {wanted.name}\n{wanted.page}", end="")
    return CLEAN
