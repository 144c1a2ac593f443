"""What a rule is and what it says: findings, fixes, and where they point.

A rule looks at one unit and one kernel at a time and yields ``Violation``s; ``check`` joins those that several kernels
share into one ``Finding``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from kfunc_lsp.kernel.model import Kernel
from kfunc_lsp.unit.model import Span, Unit


class Severity(IntEnum):
    """How sure and how bad: an ERROR does not load, a WARNING may not or does not do what it seems to."""

    HINT = 1
    WARNING = 2
    ERROR = 3

    @property
    def word(self) -> str:
        """The word that people read."""
        return self.name.lower()


class Stage(IntEnum):
    """When a predicted message appears: at compile time, in libbpf before the load, or in the kernel."""

    COMPILE = 0
    LIBBPF = 1
    VERIFIER = 2

    @property
    def speaker(self) -> str:
        """Who says the predicted message."""
        return ("clang", "libbpf", "the kernel")[self]


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace the bytes of ``span`` by ``text`` (one character a byte, as in ``SourceFile``)."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """A change that mends a finding; ``is_safe`` where the program then does the same on every kernel selected.

    ``caution`` says why a fix is not safe.
    """

    title: str
    edits: tuple[Edit, ...]
    caution: str = ""

    @property
    def is_safe(self) -> bool:
        """Whether the fix may be applied without a person looking at it."""
        return not self.caution


@dataclass(frozen=True, slots=True)
class Label:
    """A place beside the main one, with what to say there."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Violation:
    """What a rule found on one kernel.

    ``headline`` is a sentence without the kernels' names ("… cannot be called");
    ``foreseen`` is the loader's own message (empty for none) and ``stage`` who gives it; ``why`` explains in words;
    ``advice`` what to write instead; ``marks`` are further places on the page, ``related`` places elsewhere.
    ``is_fallback`` where the code is merely dead on this kernel: by design, if it is alive on another one.
    """

    severity: Severity
    span: Span
    headline: str
    why: str
    stage: Stage | None = None
    foreseen: str = ""
    label: str = ""
    advice: str = ""
    marks: tuple[Label, ...] = ()
    related: tuple[Label, ...] = ()
    subject: str = ""
    is_fallback: bool = False


@dataclass(frozen=True)
class Rule:
    """One rule: its stable name, its documentation page, its check of one kernel, and its fix.

    ``check`` yields the violations of a unit on a kernel; ``fix`` gives the change for one violation, given all the
    kernels that the program is to load on, or ``None``.
    """

    name: str
    page: str
    check: Callable[[Unit, Kernel], Iterable[Violation]]
    fix: Callable[[Unit, Violation, Sequence[Kernel]], Fix | None]

    @property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return next(line for line in self.page.splitlines() if line and not line.startswith("#"))


@dataclass(frozen=True)
class Standing:
    """How one kernel takes the place of a finding: ``fails`` with this message, or not, and why."""

    kernel: str
    fails: bool
    severity: Severity | None
    stage: Stage | None
    foreseen: str
    comment: str


@dataclass(frozen=True)
class Finding:
    """A violation on all kernels that share it.

    ``message`` is the whole sentence. ``standings`` has one entry for each kernel that was asked about, in order.
    """

    rule: Rule
    severity: Severity
    message: str
    violation: Violation
    standings: tuple[Standing, ...]
    fix: Fix | None = field(compare=False)

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.violation.span
