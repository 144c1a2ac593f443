"""The rules, one module each."""

from kfunc_lsp.rules import (
    implicit_argument_passed,
    non_gpl_program,
    not_allowed_in_program_type,
    sleepable_in_non_sleepable,
    unflagged_impl_called,
)
from kfunc_lsp.rules.model import Rule

ALL: tuple[Rule, ...] = (
    implicit_argument_passed.RULE,
    non_gpl_program.RULE,
    not_allowed_in_program_type.RULE,
    sleepable_in_non_sleepable.RULE,
    unflagged_impl_called.RULE,
)
"""Every rule, by name."""
