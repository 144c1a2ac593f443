"""What a walk through a function finds."""

from __future__ import annotations

from enum import Enum

from kfunc_lsp.dataclass import dataclass


class Section(Enum):
    """A stretch of code that is begun by one kfunc and ended by another; the values are those that begin it."""

    RCU = "bpf_rcu_read_lock"
    PREEMPT = "bpf_preempt_disable"
    IRQ = "bpf_local_irq_save"


class Fault(Enum):
    """What can be wrong."""

    READ_UNCHECKED = "read unchecked"
    PASSED_UNCHECKED = "passed unchecked"
    NOT_RELEASED = "not released"
    RELEASED_TWICE = "released twice"
    READ_RELEASED = "read released"
    NEVER_HELD = "never held"
    ITERATOR_LEFT = "iterator left"
    ITERATOR_UNBEGUN = "iterator unbegun"
    ITERATOR_TWICE = "iterator twice"
    SECTION_LEFT = "section left"
    SECTION_UNBEGUN = "section unbegun"
    SECTION_NESTED = "section nested"
    SECTION_ORDER = "section order"
    OUTSIDE_RCU = "outside rcu"
    SLEEPS = "sleeps"


@dataclass(frozen=True, slots=True)
class Trouble:
    """A ``fault`` at place ``at``, where ``name`` is called or an object of ``name`` is used.

    ``of`` is where what it is about began: the call that gave an object, the start of a section; -1 without.
    ``argument`` is the index of an argument, -1 without. ``section`` is the one that it is about, ``count`` how often
    that is open.
    """

    fault: Fault
    at: int
    name: str
    of: int = -1
    argument: int = -1
    section: Section | None = None
    count: int = 0


Found = frozenset[Trouble]
