"""The rules, one module each."""

from kfunc_lsp.rules import (
    broken_kernel,
    conflicting_declaration,
    extern_without_btf,
    guard_always_true,
    guard_never_true,
    implicit_argument_passed,
    incompatible_prototype,
    legacy_impl,
    missing_kfunc,
    missing_ksym,
    never_resolves,
    non_gpl_program,
    not_a_kfunc,
    not_allowed_in_program_type,
    shadowed_flavor,
    sleepable_in_non_sleepable,
    undeclared_kfunc,
    unflagged_impl_called,
    unguarded_weak_call,
)
from kfunc_lsp.rules.model import Rule

ALL: tuple[Rule, ...] = (
    conflicting_declaration.RULE,
    undeclared_kfunc.RULE,
    missing_ksym.RULE,
    extern_without_btf.RULE,
    shadowed_flavor.RULE,
    broken_kernel.RULE,
    implicit_argument_passed.RULE,
    unflagged_impl_called.RULE,
    missing_kfunc.RULE,
    incompatible_prototype.RULE,
    never_resolves.RULE,
    unguarded_weak_call.RULE,
    not_a_kfunc.RULE,
    non_gpl_program.RULE,
    not_allowed_in_program_type.RULE,
    sleepable_in_non_sleepable.RULE,
    guard_never_true.RULE,
    guard_always_true.RULE,
    legacy_impl.RULE,
)
"""Every rule. Of two that speak of one thing in one stage, the one that comes first here is kept."""
