"""textDocument/signatureHelp: the arguments that a program writes; those that the verifier passes are not counted."""

from __future__ import annotations

from collections.abc import Sequence

from lsprotocol import types

from kfunc_lsp.btf.cdecl import parameter
from kfunc_lsp.describe import Signature, age, call_signature, looked_up
from kfunc_lsp.kernel.annotations import annotation
from kfunc_lsp.kernel.model import FunctionClass, KernelFunction
from kfunc_lsp.server.cursor import call_at
from kfunc_lsp.server.documents import Document
from kfunc_lsp.server.render import words
from kfunc_lsp.server.session import Session
from kfunc_lsp.server.settings import Selection


def signature_help(
    session: Session, document: Document, params: types.SignatureHelpParams
) -> types.SignatureHelp | None:
    """The prototypes of the innermost call of a kfunc around the position, one for each form that kernels have."""
    selection = session.selection(document)
    for call in call_at(document, document.lines.offset(params.position)):
        forms = _forms(call.name, selection)
        if forms:
            signatures = [_information(session, *form, call.argument) for form in forms]
            fitting = [at for at, (shape, _, _) in enumerate(forms) if call.argument < len(shape.params)]
            active = fitting[0] if fitting else 0
            return types.SignatureHelp(
                signatures=signatures,
                active_signature=active,
                active_parameter=signatures[active].active_parameter,
            )
    return None


def _forms(written: str, selection: Selection) -> list[tuple[Signature, list[str], KernelFunction]]:
    """Each prototype with the names of the kernels that have it, the newest kernel's first."""
    name = looked_up(written, selection.kernels, selection.loader)
    found: dict[str, tuple[Signature, list[str], KernelFunction]] = {}
    for kernel in sorted(selection.kernels, key=age, reverse=True):
        function = kernel.get(name)
        if function is None or function.klass is FunctionClass.FUNCTION:
            continue
        shape = call_signature(function, kernel)
        found.setdefault(shape.text, (shape, [], function))[1].append(kernel.name)
    return list(found.values())


def _information(
    session: Session, shape: Signature, kernels: Sequence[str], function: KernelFunction, argument: int
) -> types.SignatureInformation:
    client = session.client
    markdown = client.signature_markdown
    parameters = []
    for text, (start, end), param in zip(shape.params, shape.offsets(), function.prototype.params, strict=False):
        meaning = annotation(param.name)
        parameters.append(
            types.ParameterInformation(
                label=(start, end) if client.label_offsets else text,
                documentation=words(meaning, markdown) if meaning else None,
            )
        )
    active: int | None = argument
    if argument >= max(len(parameters), 1):
        active = None
        if client.label_offsets:
            # An index past the last parameter is shown as the first one by some clients, so there is one more
            # parameter: the closing bracket.
            active = len(parameters)
            end = len(shape.text) - len(shape.suffix)
            parameters.append(
                types.ParameterInformation(
                    label=(end, end + 1), documentation=words(_too_many(shape, function), markdown)
                )
            )
    # lsprotocol writes an unset active parameter as null, which means "none is active": it is set on both levels.
    return types.SignatureInformation(
        label=_label(shape, function),
        documentation=words(_summary(function, kernels), markdown),
        parameters=parameters,
        active_parameter=active,
    )


def _label(shape: Signature, function: KernelFunction) -> str:
    """The prototype, with what the verifier passes as a comment behind it: shown, and no parameter to be counted."""
    names = ", ".join(parameter(param) for param in function.implicit)
    return f"{shape.text} /* {names}: by the verifier */" if names else shape.text


def _summary(function: KernelFunction, kernels: Sequence[str]) -> str:
    on = ", ".join(kernels)
    if not function.callable:
        call = f"; call `{function.base}`" if function.base else ""
        return f"{on}: `{function.name}` {function.klass.words}{call}"
    return f"{on}: {function.klass.words}{_supplied(function)}"


def _supplied(function: KernelFunction) -> str:
    names = ", ".join(f"`{parameter(param)}`" for param in function.implicit)
    return f"; the verifier passes {names} itself" if names else ""


def _too_many(shape: Signature, function: KernelFunction) -> str:
    count = len(shape.params)
    takes = "no arguments" if count == 0 else "one argument" if count == 1 else f"{count} arguments"
    name = function.name if function.callable else function.base
    return f"too many arguments: `{name}` takes {takes}{_supplied(function)}"
