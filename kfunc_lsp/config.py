"""Settings: one table of options, and where their values come from.

The nearest ``kfunc-lsp.toml`` (or ``[tool.kfunc-lsp]`` of a ``pyproject.toml``) above a program, a client's
``initializationOptions`` and the command line all set the options of this table.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from kfunc_lsp.errors import KfuncLspError


class ConfigError(KfuncLspError):
    """A setting cannot be used; the text names the file, the key, and what is expected."""


def _option(description: str) -> tuple[str, ...]:
    default: tuple[str, ...] = field(default=(), metadata={"help": description})
    return default


@dataclass(frozen=True)
class Config:
    """The options. Each is a list of strings, but ``targets``, a table of such lists by name.

    Folders in ``include`` are absolute, or relative to the file that sets them; ``file`` is where the options were
    read, empty for none.
    """

    kernels: tuple[str, ...] = _option(
        "kernels to check against: files, `running`, names of bundled kernels, patterns of both, or names of targets"
    )
    include: tuple[str, ...] = _option("folders to search for headers, before those of the compilation database")
    define: tuple[str, ...] = _option("macros to define: NAME or NAME=VALUE")
    targets: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict, hash=False, metadata={"help": "names for kernels: each a list of what `kernels` takes"}
    )
    file: str = ""

    @staticmethod
    def options() -> Mapping[str, str]:
        """Every option with its description."""
        return {f.name: f.metadata["help"] for f in fields(Config) if "help" in f.metadata}

    def merged(self, values: Mapping[str, object], origin: str) -> Config:
        """These settings with ``values`` over them. ``origin`` names where they come from. Raises ``ConfigError``."""
        known = self.options()
        changes: dict[str, Any] = {}
        for key, value in values.items():
            if key not in known:
                import difflib

                near = difflib.get_close_matches(key, known, 1)
                hint = f"; did you mean `{near[0]}`?" if near else f"; there are {', '.join(known)}"
                raise ConfigError(f"{origin}: unknown option `{key}`{hint}")
            if key != "targets":
                changes[key] = _strings(value, key, origin)
            elif isinstance(value, dict):
                changes[key] = {str(name): _strings(specs, f"targets.{name}", origin) for name, specs in value.items()}
            else:
                raise ConfigError(f"{origin}: `targets` must be a table of lists of strings")
        return replace(self, **changes)

    def specs(self) -> list[str]:
        """What ``kernels`` names, with the names of targets replaced by what they stand for (one level deep)."""
        found = [spec for name in self.kernels for spec in self.targets.get(name, (name,))]
        return list(dict.fromkeys(found))


def _strings(value: object, key: str, origin: str) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise ConfigError(f"{origin}: `{key}` must be a list of strings")
    return tuple(items)


def load(start: str) -> Config:
    """The settings of the nearest configuration file in or above folder ``start``. Raises ``ConfigError``."""
    folder = os.path.abspath(start)
    while True:
        for name in ("kfunc-lsp.toml", "pyproject.toml"):
            path = os.path.join(folder, name)
            if os.path.isfile(path):
                values = _read(path, name)
                if values is not None:
                    return _located(Config(file=path).merged(values, path), folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            return Config()
        folder = parent


def _read(path: str, name: str) -> Mapping[str, object] | None:
    import tomllib

    try:
        with open(path, "rb") as handle:
            values = tomllib.load(handle)
    except OSError as error:
        raise ConfigError(f"{path}: {(error.strerror or 'cannot be read').lower()}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        if name == "pyproject.toml":
            return None
        raise ConfigError(f"{path}: is no TOML: {error}") from None
    if name == "kfunc-lsp.toml":
        return values
    tool = values.get("tool")
    section = tool.get("kfunc-lsp") if isinstance(tool, dict) else None
    return section if isinstance(section, dict) else None


def _located(config: Config, folder: str) -> Config:
    """Relative folders, and kernels that are relative paths, made absolute."""
    return replace(
        config,
        include=tuple(os.path.join(folder, path) for path in config.include),
        kernels=_placed(config.kernels, folder),
        targets={name: _placed(specs, folder) for name, specs in config.targets.items()},
    )


def _placed(specs: tuple[str, ...], folder: str) -> tuple[str, ...]:
    return tuple(os.path.join(folder, spec) if "/" in spec else spec for spec in specs)
