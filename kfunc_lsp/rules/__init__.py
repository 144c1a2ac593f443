"""The rules, one module each."""

from kfunc_lsp.rules import implicit_argument_passed, unflagged_impl_called
from kfunc_lsp.rules.model import Rule

ALL: tuple[Rule, ...] = (implicit_argument_passed.RULE, unflagged_impl_called.RULE)
"""Every rule, by name."""
