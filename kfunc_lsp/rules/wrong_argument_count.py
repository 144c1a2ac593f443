"""Rule wrong-argument-count."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfunc_lsp.btf.cdecl import prototype
from kfunc_lsp.btf.types import FuncProto
from kfunc_lsp.rules.load import Load
from kfunc_lsp.rules.model import Label, Rule, Severity, Stage, Violation
from kfunc_lsp.unit.model import Unit, Use, UseKind

PAGE = """
## What it does
Finds calls of kfuncs with more or fewer arguments than the declaration has parameters.

## Why is this bad?
The compiler refuses them. (A declaration with more or fewer parameters than the kernel's function has is another
matter: incompatible-prototype.)

## Example
```c
extern struct task_struct *bpf_task_from_pid(s32 pid) __ksym;
task = bpf_task_from_pid();
```

## Use instead
```c
task = bpf_task_from_pid(pid);
```

## What libbpf or the kernel says
clang: `too few arguments to function call, single argument 'pid' was not specified`, or
`too many arguments to function call, expected 2, have 3`. Where a macro may stand for several arguments, or for the
call, it is a warning.

## Fix safety
No fix: what the argument is to be is for a person to say.

## References
`Sema::ConvertArgumentsForCall` in clang.
"""

_NAME = re.compile(r"[A-Za-z_]\w*")


def check(load: Load, name: str) -> Iterator[Violation]:
    """Violations, whichever the kernel."""
    unit = load.unit
    declaration = unit.declaration(name)
    declared = declaration.prototype if declaration is not None else None
    if unit.is_compiled or declaration is None or declared is None or declared.variadic:
        return
    for use in unit.uses_by_name[name]:
        if use.kind is UseKind.CALL and use.argument_count != len(declared.params):
            yield Violation(
                Severity.ERROR if _is_certain(unit, use) else Severity.WARNING,
                use.span,
                f"`{name}` is called with {_count(use.argument_count)}, and declared with {len(declared.params)}",
                "the compiler refuses the call, whichever the kernel",
                Stage.COMPILE,
                _foreseen(declared, use.argument_count),
                advice=f"call: {prototype(name, declared)}",
                related=(Label(declaration.name_span, "declared here"),),
                subject=name,
            )


def _is_certain(unit: Unit, use: Use) -> bool:
    """Whether the arguments that are seen are those that the compiler sees: macros may stand for more, or for none."""
    if use.macro or any(argument is None for argument in use.arguments):
        return False
    names = {name for argument in use.arguments if argument for name in _NAME.findall(argument.text)}
    return not unit.missing_headers and not any(name in unit.macros for name in names - {"NULL"})


def _count(count: int) -> str:
    return "1 argument" if count == 1 else f"{count} arguments"


def _foreseen(declared: FuncProto, count: int) -> str:
    """clang's words, which name a single parameter that has a name."""
    params = declared.params
    few_or_many = "few" if count < len(params) else "many"
    if len(params) == 1 and params[0].name:
        name = params[0].name
        if not count:
            return f"too few arguments to function call, single argument '{name}' was not specified"
        return f"too many arguments to function call, expected single argument '{name}', have {count} arguments"
    return f"too {few_or_many} arguments to function call, expected {len(params)}, have {count}"


RULE = Rule("wrong-argument-count", PAGE, check)
