"""``dataclass``, ``field``, ``replace`` and ``NamedTuple`` of the standard library, for a command that starts often.

The standard ones compile six methods for each class on import, and load ``inspect``, ``ast`` and ``tokenize`` for it:
a third of the time in which a small program is checked. Here only ``__init__`` is compiled, when some instances are
made, and once for all classes of one shape, whose code differs in names alone; the other methods are shared. So it is
with the ``__new__`` of a ``NamedTuple``, whose annotations are not compiled. Type checkers see the standard ones, and
what is here behaves alike in all that the project uses.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

_MISSING: Any = object()
_FIELDS = "__dataclass_fields__"
_FEW = 6
"""Instances of a class that are made before it is worth compiling how."""


class _Field:
    """How one attribute is made, shown and compared."""

    __slots__ = ("compare", "default", "default_factory", "hash", "init", "name", "repr")

    def __init__(
        self,
        *,
        default: Any = _MISSING,
        default_factory: Any = _MISSING,
        init: bool = True,
        repr: bool = True,
        hash: bool | None = None,
        compare: bool = True,
    ) -> None:
        self.name = ""
        self.default = default
        self.default_factory = default_factory
        self.init = init
        self.repr = repr
        self.compare = compare
        self.hash = compare if hash is None else hash


def _dataclass(cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, eq: bool = True) -> Any:
    def build(cls: type) -> Any:
        return _build(cls, frozen, slots, eq)

    return build if cls is None else build(cls)


def _build(cls: type, frozen: bool, slots: bool, eq: bool) -> Any:
    fields: dict[str, _Field] = {}
    for base in cls.__mro__[-1:0:-1]:
        fields |= base.__dict__.get(_FIELDS, {})
    inherited = set(fields)
    for name, annotation in cls.__annotations__.items():
        if not annotation.startswith("ClassVar"):
            given = cls.__dict__.get(name, _MISSING)
            fields[name] = given if isinstance(given, _Field) else _Field(default=given)
            fields[name].name = name
    members = {name: value for name, value in cls.__dict__.items() if name not in ("__dict__", "__weakref__")}
    for name, field in fields.items():
        if isinstance(members.get(name), _Field):
            members.pop(name)
            if field.default is not _MISSING:
                members[name] = field.default
    if slots:
        members = {name: value for name, value in members.items() if name not in fields}
        members["__slots__"] = tuple(name for name in fields if name not in inherited)
    own = cls.__dict__
    members[_FIELDS] = fields
    members["__match_args__"] = tuple(name for name, field in fields.items() if field.init)
    members["__repr__"] = own.get("__repr__", _repr)
    if eq:
        members["__eq__"] = own.get("__eq__") or _equality(f.name for f in fields.values() if f.compare)
        if "__hash__" not in own or own["__hash__"] is None:
            hashed = (f.name for f in fields.values() if f.hash)
            members["__hash__"] = _hash(hashed) if frozen else None
    if frozen:
        members["__setattr__"] = members["__delattr__"] = _refuse
        if slots:
            members["__getstate__"], members["__setstate__"] = _get_state, _set_state
    _refuse_early_defaults(fields.values())

    left = _FEW

    def __init__(self: Any, *arguments: Any, **named: Any) -> None:  # noqa: N807
        nonlocal left
        left -= 1
        if left < 0 or not _initialize(self, fields, arguments, named):
            made.__init__ = _initializer(fields.values(), frozen, has_more=hasattr(made, "__post_init__"))
            made.__init__(self, *arguments, **named)

    members["__init__"] = __init__
    made: Any = type(cls)(cls.__name__, cls.__bases__, members)
    made.__qualname__ = cls.__qualname__
    return made


def _refuse_early_defaults(fields: Iterable[_Field]) -> None:
    had_default = False
    for field in fields:
        if field.init:
            has_default = field.default is not _MISSING or field.default_factory is not _MISSING
            if had_default and not has_default:
                raise TypeError(f"non-default argument {field.name!r} follows default argument")
            had_default = has_default


def _initialize(
    instance: Any, fields: Mapping[str, _Field], arguments: Sequence[Any], named: Mapping[str, Any]
) -> bool:
    """What a compiled ``__init__`` does; False where the arguments do not fit, which it says best."""
    names = [name for name, field in fields.items() if field.init]
    given = dict(zip(names, arguments, strict=False))
    if len(arguments) > len(names) or not given.keys().isdisjoint(named) or not named.keys() <= set(names):
        return False
    given.update(named)
    for name, field in fields.items():
        if name in given:
            value = given[name]
        elif field.default_factory is not _MISSING:
            value = field.default_factory()
        elif field.default is not _MISSING:
            value = field.default
        else:
            return False
        object.__setattr__(instance, name, value)
    if hasattr(instance, "__post_init__"):
        instance.__post_init__()
    return True


def _initializer(fields: Iterable[_Field], frozen: bool, *, has_more: bool) -> Callable[..., None]:
    names: dict[str, Any] = {"_missing": _MISSING, "_set": object.__setattr__}
    renamed: dict[Any, str] = {}
    defaults: list[Any] = []
    shape = ""
    for at, field in enumerate(fields):
        renamed[f"field{at}"] = field.name
        names[f"default{at}"], names[f"make{at}"] = field.default, field.default_factory
        is_made = field.default_factory is not _MISSING
        if field.init and (is_made or field.default is not _MISSING):
            defaults.append(field.default)
        form = "m" if is_made else "p"
        shape += form.upper() if field.init else form
    code = _template(shape, frozen, has_more)
    code = code.replace(
        co_varnames=tuple(renamed.get(name, name) for name in code.co_varnames),
        co_names=tuple(renamed.get(name, name) for name in code.co_names),
        co_consts=tuple(renamed.get(value, value) for value in code.co_consts),
    )
    return FunctionType(code, names, "__init__", tuple(defaults))


_VALUES = {
    "P": "field{0}",
    "p": "default{0}",
    "M": "make{0}() if field{0} is _missing else field{0}",
    "m": "make{0}()",
}
"""How a field gets its value, by its form: plain or made by a call; a capital letter is a parameter's."""


@cache
def _template(shape: str, frozen: bool, has_more: bool) -> CodeType:
    """The code of an ``__init__`` for fields of these forms; the names of the fields are to be put in."""
    assign = "_set(self, 'field{0}', {1})" if frozen else "self.field{0} = {1}"
    lines = [assign.format(at, _VALUES[form].format(at)) for at, form in enumerate(shape)]
    if has_more:
        lines.append("self.__post_init__()")
    parameters = ["self", *(f"field{at}" for at, form in enumerate(shape) if form.isupper())]
    made: dict[str, Any] = {}
    exec(f"def __init__({', '.join(parameters)}):\n " + "\n ".join(lines or ["pass"]), made)
    code: CodeType = made.pop("__init__").__code__
    return code


def _getter(names: Iterable[str]) -> Callable[[Any], Any]:
    listed = tuple(names)
    return attrgetter(*listed) if listed else lambda instance: ()


def _equality(names: Iterable[str]) -> Callable[[Any, Any], Any]:
    values = _getter(names)

    def __eq__(self: Any, other: Any) -> Any:  # noqa: N807
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    return __eq__


def _hash(names: Iterable[str]) -> Callable[[Any], int]:
    values = _getter(names)

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _repr(self: Any) -> str:
    shown = (f"{field.name}={getattr(self, field.name)!r}" for field in getattr(self, _FIELDS).values() if field.repr)
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _refuse(self: Any, name: str, value: Any = None) -> None:
    raise AttributeError(f"cannot assign to or delete field {name!r} of {type(self).__qualname__}")


def _get_state(self: Any) -> list[Any]:
    return [getattr(self, name) for name in getattr(self, _FIELDS)]


def _set_state(self: Any, state: list[Any]) -> None:
    for name, value in zip(getattr(self, _FIELDS), state, strict=True):
        object.__setattr__(self, name, value)


def _replace(instance: Any, /, **changes: Any) -> Any:
    for name, field in getattr(instance, _FIELDS).items():
        if field.init and name not in changes:
            changes[name] = getattr(instance, name)
    return type(instance)(**changes)


class _NamedTupleType(type):
    def __new__(cls, name: str, bases: tuple[type, ...], members: dict[str, Any]) -> Any:
        fields = tuple(members.get("__annotations__", ()))
        defaults = tuple(members[field] for field in fields if field in members)
        code = _tuple_template(len(fields)).replace(co_varnames=("cls", *fields))
        members |= {field: _tuple_getter(at, None) for at, field in enumerate(fields)}
        members["__new__"] = FunctionType(code, {"_new": tuple.__new__}, "__new__", defaults)
        members["_fields"] = members["__match_args__"] = fields
        return super().__new__(cls, name, bases, {"__slots__": (), **members})


@cache
def _tuple_template(count: int) -> CodeType:
    fields = "".join(f"field{at}, " for at in range(count))
    made: dict[str, Any] = {}
    exec(f"def __new__(cls, {fields}):\n return _new(cls, ({fields}))", made)
    code: CodeType = made.pop("__new__").__code__
    return code


_tuple_getter: Any = collections._tuplegetter  # type: ignore[attr-defined]
"""What gives a ``namedtuple`` its attributes."""


class _NamedTuple(tuple[Any, ...], metaclass=_NamedTupleType):
    __slots__ = ()
    _fields: tuple[str, ...]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
        return f"{type(self).__name__}({shown})"

    def __getnewargs__(self) -> tuple[Any, ...]:
        return tuple(self)

    def _replace(self, **changes: Any) -> Any:
        made = tuple.__new__(type(self), map(changes.pop, self._fields, self))
        if changes:
            raise ValueError(f"Got unexpected field names: {list(changes)!r}")
        return made


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
    from dataclasses import field as field
    from dataclasses import replace as replace
    from typing import NamedTuple as NamedTuple
else:
    dataclass, field, replace, NamedTuple = _dataclass, _Field, _replace, _NamedTuple
