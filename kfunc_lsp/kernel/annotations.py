"""What the name of a kfunc's parameter says: the suffixes that the verifier reads.

The kernel matches the names of its own prototype (``btf_param_match_suffix``), never those of the program's
declaration, and a name that is nothing but the suffix does not count.
"""

from __future__ import annotations

_SUFFIXES: dict[str, str] = {
    "__arena__nullable": "arena pointer, or NULL, which stays NULL",
    "__arena": "arena pointer",
    "__szk": "size in bytes of the argument before it; must be a known constant",
    "__sz": "size in bytes of the argument before it",
    "__k": "must be a known constant",
    "__ign": "not checked by the verifier",
    "__const_map": "a map that is known at verification time",
    "__map": "a map",
    "__alloc": "an object that the program allocated and owns",
    "__uninit": "an uninitialised dynptr on the stack, filled in by the call",
    "__refcounted_kptr": "an object with a bpf_refcount",
    "__nullable": "may be NULL",
    "__opt": "may be NULL",
    "__str": "a constant string in read-only data",
    "__irq_flag": "a stack slot for the saved IRQ state",
    "__nonown_allowed": "a non-owning reference will do",
    "__iter": "the state of an iterator",
    "__prog": "supplied by the verifier; pass NULL",
    "__magic": "supplied by the verifier",
}
"""Longer suffixes stand before those that they end in."""

_WHOLE_NAMES: dict[str, str] = {
    "rdonly_buf_size": "size in bytes of the read-only buffer that is returned",
    "rdwr_buf_size": "size in bytes of the buffer that is returned",
}


def annotation(param_name: str) -> str | None:
    """What ``param_name`` tells the verifier about the argument, in words; ``None`` where nothing."""
    for suffix, words in _SUFFIXES.items():
        if param_name.endswith(suffix) and len(param_name) > len(suffix):
            return words
    return _WHOLE_NAMES.get(param_name)
