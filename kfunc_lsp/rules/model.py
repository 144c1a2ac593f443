"""What a rule is and what it says: findings, fixes, and where they point.

A rule looks at the load of one unit on one kernel and yields ``Violation``s; ``check`` keeps of those with one cause
the one whose message comes first, and joins what several kernels share into one ``Finding``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import IntEnum

from kfunc_lsp.dataclass import NamedTuple, dataclass, field
from kfunc_lsp.kernel.loader import Loader
from kfunc_lsp.kernel.model import Fact
from kfunc_lsp.rules.fleet import Fleet, Names
from kfunc_lsp.rules.load import Load
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
    """When a predicted message appears; an earlier one hides all later ones.

    At compile time; when the loader opens the object; when it resolves externs; when the kernel looks through a
    program's calls, dead code included; when the verifier follows the program.
    """

    COMPILE = 0
    OPEN = 1
    RESOLVE = 2
    SCAN = 3
    VERIFIER = 4

    @property
    def word(self) -> str:
        """The word that reports have."""
        return self.name.lower()

    def speaker(self, loader: Loader) -> str:
        """Who says the predicted message."""
        return ("clang", loader.name, loader.name, "the kernel", "the kernel")[self]


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
    ``subject`` is the extern that it is about: of what is said of one at one place, ``check`` keeps what comes first.
    ``fact`` is the kind of facts that it rests on: no error where they are another kernel's.
    ``is_fallback`` where the code is merely dead on this kernel: by design, if it is alive on another one.
    ``shared_by``: where not 0, it is worth saying only if it holds on every selected kernel, and these are as many.
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
    fact: Fact = Fact.TYPES
    is_fallback: bool = False
    shared_by: int = 0


Each = Callable[[Unit], Iterable[str]]
"""Lists the names that a rule looks at one by one."""


def used(unit: Unit) -> Iterable[str]:
    """The externs that ``unit`` uses."""
    return unit.uses_by_name


def named(unit: Unit) -> Iterable[str]:
    """The externs that ``unit`` uses, and others that its main file declares."""
    yield from unit.uses_by_name
    for name in unit.declarations:
        is_used = name in unit.uses_by_name
        if not is_used and any(d.name_span.file is unit.file for d in unit.declarations[name]):
            yield name


def using(unit: Unit) -> Iterable[str]:
    """The functions of ``unit`` that use externs."""
    return unit.uses_by_function


def whole(unit: Unit) -> Iterable[str]:
    """No name: the unit is looked at as a whole."""
    return ("",)


@dataclass(frozen=True)
class Rule:
    """One rule: its stable name, its documentation page, its check of one load, and its fix if it has one.

    ``check`` yields the violations of a unit on a kernel that concern one name; ``fix`` gives the change for one
    violation, given all the kernels that the program is to load on, or ``None``. ``each`` lists the names that the rule
    looks at one by one, so that kernels which differ elsewhere are alike to it: externs that are used, if it does not
    say otherwise. Whether it finds anything in a name may rest on no more than ``evidence`` has, where that has any.
    """

    name: str
    page: str
    check: Callable[[Load, str], Iterable[Violation]]
    fix: Callable[[Unit, Violation, Fleet], Fix | None] | None = None
    each: Each = used

    @property
    def summary(self) -> str:
        """The first sentence of the documentation."""
        return next(line for line in self.page.splitlines() if line and not line.startswith("#"))


class Prediction(NamedTuple):
    """The ``message`` that ``speaker`` will give on ``kernels``, and when."""

    speaker: str
    stage: Stage
    message: str
    kernels: Names


@dataclass(frozen=True)
class Standing:
    """How some kernels take the place of a finding: ``fails`` with this message by ``speaker``, or not, and why.

    ``source`` says where the facts are from ("image", "pack", "BTF only", or the release of the most similar kernel).
    """

    kernels: Names
    fails: bool
    severity: Severity | None
    stage: Stage | None
    speaker: str
    foreseen: str
    comment: str
    source: str


@dataclass(frozen=True)
class Finding:
    """A violation on all kernels that share it.

    ``message`` is the whole sentence. ``standings`` has every kernel that was asked about, those alike together.
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

    @property
    def predictions(self) -> list[Prediction]:
        """Who will say what, when, and on which kernels; each message once."""
        groups: dict[tuple[str, Stage, str], list[str]] = {}
        for standing in self.standings:
            if standing.fails and standing.foreseen and standing.stage is not None:
                key = (standing.speaker, standing.stage, standing.foreseen)
                groups.setdefault(key, []).extend(standing.kernels)
        return [Prediction(*key, tuple(kernels)) for key, kernels in groups.items()]

    @property
    def sources(self) -> list[tuple[str, Names]]:
        """Where the facts are from that it rests on, by the kernels that it holds on."""
        groups: dict[str, list[str]] = {}
        for standing in self.standings:
            if standing.fails:
                groups.setdefault(standing.source, []).extend(standing.kernels)
        return [(source, tuple(kernels)) for source, kernels in groups.items()]

    @property
    def elsewhere(self) -> list[tuple[str, Names]]:
        """How the kernels on which it does not hold stand, in words."""
        groups: dict[str, list[str]] = {}
        for standing in self.standings:
            if not standing.fails:
                groups.setdefault(standing.comment, []).extend(standing.kernels)
        return [(comment, tuple(kernels)) for comment, kernels in groups.items()]
