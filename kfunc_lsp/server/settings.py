"""Settings and kernels of a session: read when they are first needed, complained of once, never fatal."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property

from kfunc_lsp.check import known_names
from kfunc_lsp.choice import RuleNameError, choose
from kfunc_lsp.config import Config, ConfigError, load
from kfunc_lsp.dataclass import dataclass, field, replace
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.kernel.loader import Loader, loader_named
from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.kernel.targets import RUNNING, RUNNING_BTF, default_kernel, resolve
from kfunc_lsp.selection import Choice, choices, select

ORIGIN = "editor settings"
_PATIENCE = 0.5
"""Seconds after which kernels that are still to be loaded are left out of the first answer."""
SECTION = "kfunc-lsp"
"""What editors call the group of our settings."""


@dataclass(frozen=True, eq=False)
class Selection:
    """What a program is checked against: kernels, and who loads it."""

    kernels: tuple[Kernel, ...]
    loader: Loader

    @cached_property
    def known(self) -> frozenset[str]:
        """Every function name of theirs."""
        return known_names(self.kernels)


@dataclass
class Settings:
    """Settings by folder and kernels by name.

    ``options`` are the client's settings, ``roots`` the folders that it works in:
    paths in them are relative to the one that a program is in, else to the first. ``tell`` is given every
    complaint; it shows each text once. ``waiting`` are kernels that are wanted and not loaded yet. A setting
    that is empty is one that the person has left alone.
    """

    options: object
    roots: Sequence[str]
    tell: Callable[[str], None]
    waiting: set[str] = field(default_factory=set)
    _configs: dict[str, Config] = field(default_factory=dict)
    _read: dict[str, Config] = field(default_factory=dict)
    _dropped: dict[str, list[str]] = field(default_factory=dict)
    _kernels: dict[tuple[str, object], Kernel | KfuncLspError] = field(default_factory=dict)
    _selections: dict[object, Selection] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def forget(self) -> None:
        """Read configuration files anew when they are next needed, and kernels whose file has changed."""
        self._configs.clear()

    def config(self, folder: str) -> Config:
        """The settings for programs in ``folder``: its configuration file's, with the client's over them."""
        with self._lock:
            return self._config(folder)

    def _config(self, folder: str) -> Config:
        known = self._configs.get(folder)
        if known is None:
            known = self._configs[folder] = self._merged(folder)
            for place in known.include:
                if not os.path.isdir(place):
                    self.tell(f"no such folder to search for headers: {place}")
        return known

    def _merged(self, folder: str) -> Config:
        config = self._with_options(folder)
        try:
            choose(config)
        except RuleNameError as error:
            self.tell(f"{error}. All rules are used.")
            config = replace(config, select=(), ignore=(), per_file_ignores={}, severities={})
        return config

    def _with_options(self, folder: str) -> Config:
        # Complaints of what may have named kernels wait until it is known which are used instead.
        dropped = self._dropped[folder] = []
        try:
            config = self._read[folder] = load(folder)
        except ConfigError as error:
            # it is being typed, perhaps
            config = self._read.get(folder, Config())
            before = "What it said before counts" if config.file else "The file is not used"
            dropped.append(f"{_sentence(str(error))} {before}.")
        if self.options is None:
            return config
        if not isinstance(self.options, Mapping):
            self.tell(f"{ORIGIN}: expected an object with {', '.join(Config.options())}. They are not used.")
            return config
        for key, value in self.options.items():
            if value is None or value in ([], {}, ""):
                continue
            try:
                changed = config.merged({str(key): value}, ORIGIN)
            except ConfigError as error:
                text = f"{_sentence(str(error))} It is not used."
                if key == "kernels":
                    dropped.append(text)
                else:
                    self.tell(text)
                continue
            config = changed
        return config.located(self._root(folder))

    def _root(self, folder: str) -> str:
        """The innermost of the client's folders around ``folder``, else the first."""
        around = [root for root in self.roots if folder == root or folder.startswith(root.rstrip("/") + "/")]
        return max(around, key=len, default=self.roots[0])

    def selection(self, folder: str, more: Sequence[str] = ()) -> Selection:
        """The kernels for programs in ``folder``, and those that ``more`` names: then none is left for later.

        It is the default one where none of them can be read.
        """
        with self._lock:
            return self._selection(folder, more)

    def _selection(self, folder: str, more: Sequence[str]) -> Selection:
        config = self.config(folder)
        chosen: dict[Choice, None] = {}
        problems = list(self._dropped.get(folder, ()))
        for name in (*more, *config.kernels):
            try:
                chosen.update(dict.fromkeys(choices(config, name)))
            except KfuncLspError as error:
                problems.append(str(error))
        if more:
            self.waiting.difference_update(choice.spec for choice in chosen)
        else:
            self._leave_for_later(chosen)
        key = (
            config.loader,
            *((choice, _state(choice.spec), choice.spec in self.waiting) for choice in chosen),
            *problems,
        )
        known = self._selections.get(key)
        if known is None:
            known = self._selections[key] = Selection(self._load(chosen, problems), loader_named(config.loader))
        return known

    def _leave_for_later(self, chosen: Iterable[Choice]) -> None:
        """Load the first kernel, and more while that is quick; the others wait, so that there is a first answer."""
        begun = time.monotonic()
        for number, choice in enumerate(chosen):
            if (choice.spec, _state(choice.spec)) not in self._kernels:
                if number and time.monotonic() - begun > _PATIENCE:
                    self.waiting.add(choice.spec)
                elif choice.spec not in self.waiting:
                    self._kernel(choice.spec)

    def load_next(self) -> bool:
        """Load one of the kernels that were left for later. False where none is left."""
        with self._lock:
            if not self.waiting:
                return False
            self._kernel(self.waiting.pop())
            return bool(self.waiting)

    def _load(self, chosen: Iterable[Choice], problems: Sequence[str]) -> tuple[Kernel, ...]:
        errors = list(problems)
        found: list[tuple[Choice, Kernel]] = []
        for choice in chosen:
            if choice.spec in self.waiting:
                continue
            kernel = self._kernel(choice.spec)
            if isinstance(kernel, Kernel):
                found.append((choice, choice.named(kernel)))
            else:
                errors.append(str(kernel))
        kernels = select(found).kernels
        if not kernels:
            try:
                kernels = (default_kernel(),)
            except (KfuncLspError, OSError, LookupError) as error:
                self.tell(f"No kernel can be read: {error}")
        if not any(choice.spec in self.waiting for choice in chosen):
            used = ", ".join(kernel.name for kernel in kernels) or "none"
            for text in errors:
                self.tell(f"{_sentence(text)} Checking against: {used}.")
        for kernel in kernels:
            if not kernel.kfuncs_known:
                self.tell(f"{kernel.name}: {kernel.provenance.detail}")
        return kernels

    def _kernel(self, spec: str) -> Kernel | KfuncLspError:
        key = (spec, _state(spec))
        known = self._kernels.get(key)
        if known is None:
            try:
                known = resolve(spec)
            except KfuncLspError as error:
                known = error
            self._kernels[key] = known
        return known


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?")) else f"{text}."


def _state(spec: str) -> object:
    """What tells one state of a kernel's file from another; a kernel is built again and again under one name."""
    path = RUNNING_BTF if spec == RUNNING else spec
    try:
        info = os.stat(path)
    except (OSError, ValueError):
        return None
    return info.st_mtime_ns, info.st_size
