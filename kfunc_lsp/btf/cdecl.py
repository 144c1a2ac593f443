"""Types printed as C declarations, exactly as ``bpftool btf dump … format c`` prints them.

The declarator rules of libbpf's ``btf_dump_emit_type_chain``: a type is unrolled into a chain from the
outermost part to the innermost, and printed from the innermost out, each part placing the rest around itself.
Bodies are not part of our types, so an anonymous struct, union or enum prints as ``struct {}``.
"""

from __future__ import annotations

from kfunc_lsp.btf.types import (
    Array,
    Const,
    Enum,
    Float,
    FuncProto,
    Fwd,
    Int,
    Param,
    Ptr,
    Restrict,
    Struct,
    Type,
    Typedef,
    TypeTag,
    Union,
    Unknown,
    Void,
    Volatile,
)

_QUALIFIERS: dict[type[Type], str] = {Const: "const", Volatile: "volatile", Restrict: "restrict"}


def declare(name: str, declared: Type) -> str:
    """``declared`` with ``name`` where C wants it; an empty ``name`` gives the bare type. No semicolon."""
    chain: list[Type] = []
    part: Type | None = declared
    while part is not None:
        chain.append(part)
        part = _next(part)
    return _emit(chain, name)


def prototype(name: str, proto: FuncProto) -> str:
    """The declaration of function ``name``, with its semicolon."""
    return declare(name, proto) + ";"


def parameter(param: Param) -> str:
    """One parameter as it stands in a prototype."""
    return declare(param.name, param.type)


def _next(part: Type) -> Type | None:
    """What the declarator part applies to; ``None`` for the specifier that ends the chain."""
    match part:
        case Ptr(target) | Const(target) | Volatile(target) | Restrict(target) | TypeTag(_, target):
            return target
        case Array(element, _):
            return element
        case FuncProto(returns):
            return returns
        case _:
            return None


def _emit(chain: list[Type], name: str) -> str:
    """Print and consume ``chain`` from its end."""
    text = ""
    after_pointer = True
    while chain:
        match chain.pop():
            case Ptr():
                text += "*" if after_pointer else " *"
                after_pointer = True
                continue
            case Const() | Volatile() | Restrict() as part:
                text += f" {_QUALIFIERS[type(part)]}"
            case TypeTag(tag, _, is_attribute):
                text += _leading_qualifiers(chain)
                text += f" __attribute__(({tag}))" if is_attribute else f' __attribute__((btf_type_tag("{tag}")))'
            case Array(_, count):
                return text + _emit_array(chain, name, count, after_pointer)
            case FuncProto() as proto:
                return text + _emit_function(chain, name, proto, after_pointer)
            case specifier:
                text += _leading_qualifiers(chain) + _specifier(specifier)
        after_pointer = False
    return text + _name(name, after_pointer)


def _emit_array(chain: list[Type], name: str, count: int, after_pointer: bool) -> str:
    _drop_qualifiers(chain)
    if not chain:
        return f"{_name(name, after_pointer)}[{count}]"
    space = " " if name and not after_pointer else ""
    inner = chain[-1]
    rest = _emit(chain, name)
    return f"{space}{rest}[{count}]" if isinstance(inner, Array) else f"{space}({rest})[{count}]"


def _emit_function(chain: list[Type], name: str, proto: FuncProto, after_pointer: bool) -> str:
    _drop_qualifiers(chain)
    declarator = f" ({_emit(chain, name)})" if chain else _name(name, after_pointer)
    params = [parameter(param) for param in proto.params]
    if proto.variadic and params:
        params.append("...")
    return f"{declarator}({', '.join(params) or 'void'})"


def _name(name: str, after_pointer: bool) -> str:
    return name if after_pointer or not name else f" {name}"


def _leading_qualifiers(chain: list[Type]) -> str:
    """Consume the qualifiers that apply to what is printed next: they go before it, not after."""
    text = ""
    while chain and type(chain[-1]) in _QUALIFIERS:
        text += _QUALIFIERS[type(chain.pop())] + " "
    return text


def _drop_qualifiers(chain: list[Type]) -> None:
    """Qualifiers of an array or a function are an artefact of compilers; C has no place for them."""
    while chain and type(chain[-1]) in _QUALIFIERS:
        chain.pop()


def _specifier(part: Type) -> str:
    match part:
        case Void():
            return "void"
        case Int(name) | Float(name) | Typedef(name) | Unknown(name):
            return name
        case Fwd(name, is_union):
            return f"union {name}" if is_union else f"struct {name}"
        case Struct(name):
            return f"struct {name or '{}'}"
        case Union(name):
            return f"union {name or '{}'}"
        case Enum(name):
            return f"enum {name or '{}'}"
        case _:
            raise AssertionError(f"{type(part).__name__} is no specifier")
