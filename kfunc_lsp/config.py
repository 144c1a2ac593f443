"""Settings: one table of options, and where their values come from.

The nearest ``kfunc-lsp.toml`` (or ``[tool.kfunc-lsp]`` of a ``pyproject.toml``) above a program, a client's
``initializationOptions`` and the command line all set the options of this table; ``--help`` and
``docs/configuration.md`` are made from it.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from enum import Enum
from typing import Any

from kfunc_lsp.dataclass import dataclass, field, replace
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.loader import LoaderNameError, loader_named

FILES = ("kfunc-lsp.toml", "pyproject.toml")
"""Configuration files; of two in one folder the first counts."""

ENVIRONMENT: Mapping[str, str] = {
    "KFUNC_LSP_CACHE": "the cache's folder, instead of `kfunc-lsp` in `$XDG_CACHE_HOME` or `~/.cache`; empty: none",
    "NO_COLOR": "if set, no colours on a terminal",
    "COLUMNS": "the width that text is fitted to on a terminal, instead of the terminal's own",
    "KFUNC_LSP_TRACE": "if set, a fault of kfunc-lsp itself shows where it happened",
}
"""Variables of the environment that count, and what each does."""

_LARGEST = 1 << 20
_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_NOT_IN_NAMES = "/*?["
"""What makes a path or a pattern of a kernel's name."""


class ConfigError(KfuncLspError):
    """A setting cannot be used; the text names the file, the key, and what is expected."""


class SettingError(ConfigError):
    """One value of some settings cannot be used: ``words`` say which and why, ``keys`` lead to it, outermost first."""

    def __init__(self, origin: str, words: str, *keys: str) -> None:
        super().__init__(f"{origin}: {words}")
        self.words = words
        self.keys = keys


class OptionType(Enum):
    """What an option's value is; the values are the words for it."""

    BOOLEAN = "boolean"
    STRING = "string"
    STRINGS = "list of strings"
    TABLE = "table of lists of strings"


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the table.

    ``description`` says what it does, ``item`` what each of its strings is (empty where that goes without saying),
    ``unset`` what holds without it; all are phrases. ``example`` is TOML. ``flags`` are those of the command line that
    set it, with ``metavar`` for the value.
    """

    name: str
    type: OptionType
    description: str
    item: str
    unset: str
    example: str
    flags: tuple[str, ...] = ()
    metavar: str = ""

    @property
    def attribute(self) -> str:
        """What ``Config`` calls it."""
        return self.name.replace("-", "_")

    def parsed(self, value: object, origin: str) -> Any:
        """``value`` as ``Config`` keeps it. Raises ``SettingError``, beginning with ``origin``."""
        plain = {OptionType.BOOLEAN: bool, OptionType.STRING: str}.get(self.type)
        if plain is not None:
            if not isinstance(value, plain):
                raise SettingError(origin, f"`{self.name}` must be a {self.type.value}", self.name)
            return value
        if self.type is OptionType.STRINGS:
            return _strings(value, origin, self.name)
        if not isinstance(value, Mapping):
            raise SettingError(origin, f"`{self.name}` must be a {self.type.value}", self.name)
        return {str(key): _strings(items, origin, self.name, str(key)) for key, items in value.items()}


# Tables come last, as TOML wants them.
_OPTIONS = (
    Option(
        "kernels",
        OptionType.STRINGS,
        "kernels to check against",
        "a vmlinuz, vmlinux, raw BTF, kernel pack, module or folder of modules; `running`; a bundled kernel "
        "(`kfunc-lsp kernel list`); a pattern of files or bundled kernels; a target of the configuration",
        "`running` if its BTF tells its kfuncs, else the newest bundled kernel",
        'kernels = ["6.18", "7.3", "./kernels/ours.kpack"]',
        ("--kernel", "-k"),
        "K",
    ),
    Option(
        "loader",
        OptionType.STRING,
        "what loads the programs",
        "libbpf, libbpf-VERSION, light-skeleton or cilium-ebpf",
        "libbpf, as it has been since 1.3",
        'loader = "libbpf-1.1"',
        ("--loader",),
        "LOADER",
    ),
    Option(
        "include",
        OptionType.STRINGS,
        "folders to search for headers before all others",
        "",
        "only those of the compilation database, or a guess",
        'include = ["include", "../common"]',
        ("--include", "-I"),
        "DIR",
    ),
    Option(
        "define",
        OptionType.STRINGS,
        "macros to define",
        "NAME or NAME=VALUE",
        "only those of the compilation database",
        'define = ["__TARGET_ARCH_x86", "MAX_CPUS=128"]',
        ("--define", "-D"),
        "NAME[=VALUE]",
    ),
    Option(
        "select",
        OptionType.STRINGS,
        "the only rules to hear of",
        "a rule's name, or a pattern of names",
        "all rules",
        'select = ["missing-*", "incompatible-prototype"]',
        ("--select",),
        "RULE",
    ),
    Option(
        "ignore",
        OptionType.STRINGS,
        "rules not to hear of",
        "a rule's name, or a pattern of names",
        "none",
        'ignore = ["legacy-impl"]',
        ("--ignore",),
        "RULE",
    ),
    Option(
        "kernel-source",
        OptionType.STRING,
        "a kernel's source, where an editor goes to the definition of a kfunc",
        "a folder",
        "a page that shows what the kernel's BTF has",
        'kernel-source = "/usr/src/linux"',
    ),
    Option(
        "inlay-hints",
        OptionType.BOOLEAN,
        "whether an editor shows behind a call what the verifier passes itself and what the kfunc's flags ask",
        "",
        "no hints",
        "inlay-hints = true",
    ),
    Option(
        "per-file-ignores",
        OptionType.TABLE,
        "rules not to hear of in some files",
        "a rule's name, or a pattern of names",
        "none",
        '[per-file-ignores]\n"tests/*" = ["missing-kfunc"]\n"*.h" = ["*"]',
    ),
    Option(
        "severities",
        OptionType.TABLE,
        "how severe the findings of some rules are",
        "a rule's name, or a pattern of names",
        "as severe as the rules say",
        '[severities]\nwarning = ["legacy-impl"]\nhint = ["guard-*"]',
    ),
    Option(
        "targets",
        OptionType.TABLE,
        "names of your own for kernels, wherever a kernel is asked for",
        "what `kernels` takes, but no target",
        "no such names",
        '[targets]\nfleet = ["6.*", "7.3", "./kernels/*.kpack"]\nlab = "/srv/lab/vmlinuz"',
    ),
)


@dataclass(frozen=True)
class Config:
    """The values of the options, and the ``file`` that they were read from, empty for none.

    Each is a tuple of strings, but ``loader`` and ``kernel_source``, strings, ``inlay_hints``, and the three that are
    tables of such tuples. Paths are absolute, or relative to the folder where they were set (see ``located``).
    ``origins`` name what has set each option; one that is not there has its default.
    """

    kernels: tuple[str, ...] = ()
    loader: str = "libbpf"
    include: tuple[str, ...] = ()
    define: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    kernel_source: str = ""
    inlay_hints: bool = False
    per_file_ignores: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    severities: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    targets: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    file: str = ""
    origins: Mapping[str, str] = field(default_factory=dict, hash=False, compare=False)

    @staticmethod
    def options() -> Mapping[str, Option]:
        """Every option by name."""
        return {option.name: option for option in _OPTIONS}

    def merged(self, values: Mapping[str, object], origin: str) -> Config:
        """These settings with ``values`` over them. ``origin`` names where they come from. Raises ``SettingError``."""
        known = self.options()
        for key in values:
            if key not in known:
                import difflib

                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
                raise SettingError(origin, f"unknown option `{key}`{hint}", key)
        changes = {known[key].attribute: known[key].parsed(value, origin) for key, value in values.items()}
        for name in changes.get("targets", ()):
            if not name or any(sign in name for sign in _NOT_IN_NAMES):
                words = f"`targets`: {name!r} is no name for a target: it is a path or a pattern"
                raise SettingError(origin, words, "targets", name)
        try:
            loader_named(changes.get("loader", self.loader))
        except LoaderNameError as error:
            raise SettingError(origin, f"`loader`: {error}", "loader") from None
        return replace(self, **changes, origins={**self.origins, **dict.fromkeys(values, origin)})

    def value(self, name: str) -> Any:
        """The value of the option ``name``."""
        return getattr(self, self.options()[name].attribute)

    def place(self, name: str) -> str:
        """What has set the option ``name``: ``FILE:LINE``, the name of another origin, or empty for nothing."""
        origin = self.origins.get(name, "")
        return place_of(origin, name) if origin and origin == self.file else origin

    def located(self, folder: str) -> Config:
        """These settings with relative paths placed in ``folder``; a kernel is a path where it has a slash."""
        return replace(
            self,
            include=tuple(_placed(path, folder) for path in self.include),
            kernels=_kernels_placed(self.kernels, folder),
            per_file_ignores={
                _pattern_placed(pattern, folder) if "/" in pattern else pattern: names
                for pattern, names in self.per_file_ignores.items()
            },
            kernel_source=_placed(self.kernel_source, folder) if self.kernel_source else "",
            targets={name: _kernels_placed(specs, folder) for name, specs in self.targets.items()},
        )


def load(start: str) -> Config:
    """The settings of the nearest configuration file in or above folder ``start``.

    Raises ``ConfigError`` where one on the way cannot be read, or is no TOML: it may have settings.
    """
    folder = os.path.abspath(start)
    while True:
        for name in FILES:
            path = os.path.join(folder, name)
            if os.path.lexists(path):
                values = _read(path, name)
                if values is not None:
                    return _of_file(path, values).located(folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            return Config()
        folder = parent


def place_of(file: str, *keys: str) -> str:
    """``FILE:LINE`` of what a configuration file sets under ``keys``; the file alone where the line cannot be told."""
    from kfunc_lsp.toml import line_of

    prefix = ("tool", "kfunc-lsp") if os.path.basename(file) == FILES[1] else ()
    try:
        line = line_of(_text(file), (*prefix, *keys))
    except ConfigError:
        line = 0
    return f"{file}:{line}" if line else file


def _of_file(path: str, values: Mapping[str, object]) -> Config:
    try:
        return Config(file=path).merged(values, path)
    except SettingError as error:
        raise SettingError(place_of(path, *error.keys), error.words, *error.keys) from None


def _strings(value: object, origin: str, *keys: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise SettingError(origin, f"`{'.'.join(keys)}` must be a {OptionType.STRINGS.value}", *keys)
    return tuple(items)


def _kernels_placed(specs: tuple[str, ...], folder: str) -> tuple[str, ...]:
    return tuple(_placed(spec, folder) if "/" in spec else spec for spec in specs)


def _pattern_placed(pattern: str, folder: str) -> str:
    import glob

    return _placed(pattern, glob.escape(folder))


def _placed(path: str, folder: str) -> str:
    return os.path.join(folder, os.path.expanduser(path.removeprefix("./")))


def _read(path: str, name: str) -> Mapping[str, object] | None:
    """The settings in a file; ``None`` for a ``pyproject.toml`` that has none."""
    import tomllib

    text = _text(path)
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}:{_explained(str(error), text)}") from None
    except RecursionError:
        raise ConfigError(f"{path}: is no TOML: nested too deeply") from None
    if name == FILES[0]:
        return values
    tool = values.get("tool")
    section = tool.get("kfunc-lsp") if isinstance(tool, dict) else None
    if section is not None and not isinstance(section, dict):
        raise ConfigError(f"{place_of(path)}: `tool.kfunc-lsp` must be a table")
    return section


def _text(path: str) -> str:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ConfigError(f"{path}: is no regular file; rename it, or put the settings there")
        with open(path, "rb") as handle:
            data = handle.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(data) > _LARGEST:
        raise ConfigError(f"{path}: is larger than {_LARGEST >> 20} MiB; no settings are")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is no TOML: a byte that is no UTF-8") from None


def _explained(message: str, text: str) -> str:
    """``LINE:COLUMN: is no TOML: …`` of a message by ``tomllib``, which has the place at its end, in words."""
    place = _PLACE.search(message)
    if place is None:
        return f" is no TOML: {message}"
    words = message[:1].lower() + message[1 : place.start()]
    if place[1] is None:
        return f"{text.count(chr(10)) + 1}: is no TOML: {words} at the end of the file"
    return f"{place[1]}:{place[2]}: is no TOML: {words}"
