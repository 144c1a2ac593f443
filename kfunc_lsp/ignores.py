"""Comments that say what is not to be reported: ``// kfunc-lsp: ignore[rule, other-rule]``, or the same in ``/* */``.

One behind code is for its line; one on a line of its own for the statement, the declaration or the whole function that
follows. Owns how they are read, applied, written and taken out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kfunc_lsp import rules
from kfunc_lsp.dataclass import dataclass, field
from kfunc_lsp.rules.fleet import Names
from kfunc_lsp.rules.model import Edit, Finding, Fix, Severity, Standing, Violation
from kfunc_lsp.rules.unused_ignore import RULE
from kfunc_lsp.source.text import blank, comments, directives, lex
from kfunc_lsp.unit.model import SourceFile, Span, Unit

_MARK = "kfunc-lsp:"
_FORM = re.compile(r"(?://|/\*)[\s*]*kfunc-lsp:\s*ignore\b\s*(?:\[([^\]]*)\])?")
_NAME = re.compile(r"[^\s,]+")


@dataclass(frozen=True)
class Ignore:
    """A comment: where it stands, the rules that it names and where, and from where to where it is for.

    ``used`` are the names that have hidden a finding.
    """

    span: Span
    names: dict[str, Span]
    start: int
    end: int
    used: set[str] = field(default_factory=set)

    def hides(self, finding: Finding) -> bool:
        """Whether it is for ``finding``; notes that it was."""
        if finding.rule.name not in self.names or not self.start <= finding.span.start < self.end:
            return False
        self.used.add(finding.rule.name)
        return True


def ignores_in(file: SourceFile) -> list[Ignore]:
    """The comments of ``file`` that say what to ignore, in order."""
    text = file.text
    if _MARK not in text:
        return []
    code = _Code(text)
    found = []
    for start, end in comments(text):
        form = _FORM.match(text, start, end)
        if form is not None:
            at = form.start(1)
            names = {
                name.group(): Span(file, at + name.start(), at + name.end()) for name in _NAME.finditer(form[1] or "")
            }
            found.append(Ignore(Span(file, start, end), names, *code.meant_by(start, end)))
    return found


class _Code:
    """The code of a file without comments and directives, and where its statements end."""

    def __init__(self, text: str) -> None:
        bare = self.text = blank(text)
        for start, end, *_ in directives(bare):
            bare = bare[:start] + " " * (end - start) + bare[end:]
        self._tokens = lex(bare)

    def meant_by(self, start: int, end: int) -> tuple[int, int]:
        """From where to where a comment at these offsets is for."""
        line = self.text.rfind("\n", 0, start) + 1
        line_end = self.text.find("\n", end)
        line_end = len(self.text) if line_end < 0 else line_end
        if self.text[line:line_end].strip():
            return line, line_end
        first = next((at for _, at in self._tokens if at >= end), len(self.text))
        return first, self._end_of_statement(first)

    def _end_of_statement(self, first: int) -> int:
        """Where the statement or, at file level, the declaration or function that begins at ``first`` ends."""
        braces = parentheses = 0
        is_outside = False
        for token, at in self._tokens:
            if at == first:
                is_outside = braces == 0
                braces = parentheses = 0
            if token in ("{", "}"):
                braces += 1 if token == "{" else -1
                if token == "}" and (at == 0 or self.text[at - 1] == "\n"):
                    braces = 0
            elif token in ("(", ")"):
                parentheses += 1 if token == "(" else -1
            if at >= first and parentheses <= 0:
                is_end = token == "}" and braces <= 0 if is_outside else token in ("{", "}")
                if is_end or (token == ";" and (braces <= 0 or not is_outside)):
                    return at + 1
        return len(self.text)


def applied(unit: Unit, findings: Sequence[Finding], kernels: Names) -> list[Finding]:
    """``findings`` less those that comments hide, and findings of comments that hide nothing."""
    by_file: dict[str, list[Ignore]] = {}
    for file in (unit.file, *(finding.span.file for finding in findings)):
        if file.path not in by_file:
            by_file[file.path] = ignores_in(file)
    kept = [f for f in findings if not [i for i in by_file[f.span.file.path] if i.hides(f)]]
    if not unit.is_compiled:
        kept += (finding for ignore in by_file[unit.file.path] for finding in _idle(ignore, kernels))
    return kept


def _idle(ignore: Ignore, kernels: Names) -> Iterator[Finding]:
    known = {rule.name for rule in rules.ALL}
    if not ignore.names:
        words = "names no rule, so it does nothing"
        yield _finding(ignore.span, Severity.WARNING, words, "write kfunc-lsp: ignore[RULE]", "", kernels, None)
    if RULE.name in ignore.names:
        return
    idle = [name for name in ignore.names if name in known and name not in ignore.used]
    for name, span in ignore.names.items():
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            advice = f"did you mean `{near[0]}`?" if near else "`kfunc-lsp explain` lists the rules"
            words = f"names `{name}`, which is no rule"
            yield _finding(span, Severity.WARNING, words, advice, name, kernels, None)
        elif name in idle:
            words = f"of `{name}` hides nothing"
            yield _finding(span, Severity.HINT, words, "", name, kernels, _removed(ignore, idle))


def _finding(
    span: Span, severity: Severity, words: str, advice: str, subject: str, kernels: Names, fix: Fix | None
) -> Finding:
    why = "there is no such finding here, on the kernels that were asked"
    if severity is Severity.WARNING:
        why = "a comment hides findings of the rules that it names, and nothing else"
    headline = f"this ignore {words}"
    violation = Violation(severity, span, headline, why, advice=advice, subject=subject)
    standings = (Standing(kernels, True, severity, None, "", "", why, "source"),)
    return Finding(RULE, severity, headline, violation, standings, fix)


def _removed(ignore: Ignore, idle: Iterable[str]) -> Fix:
    """The comment without the names in ``idle``, or nothing of it, with its line where it has one to itself."""
    left = [name for name in ignore.names if name not in idle]
    span = ignore.span
    if left:
        spans = list(ignore.names.values())
        edit = Edit(Span(span.file, spans[0].start, spans[-1].end), ", ".join(left))
        return Fix("ignore only what is found", (edit,))
    text = span.file.text
    start, end = span.start, span.end
    while start and text[start - 1] in " \t":
        start -= 1
    if not start or text[start - 1] == "\n":
        while text[end : end + 1] in (" ", "\t"):
            end += 1
        if text[end : end + 1] == "\n":
            end += 1
        else:
            start = span.start
    elif text[end : end + 1].strip():
        start = span.start
    return Fix("remove the comment", (Edit(Span(span.file, start, end), ""),))


def ignoring(unit: Unit, finding: Finding) -> Fix | None:
    """The edit that hides ``finding`` by a comment on its line; ``None`` where that is not in the main file."""
    file, rule = unit.file, finding.rule.name
    if finding.span.file is not file or unit.is_compiled:
        return None
    title = f"ignore {rule} here"
    line = file.position(finding.span.start)[0]
    for ignore in ignores_in(file):
        if (
            ignore.names
            and file.position(ignore.span.start)[0] == line
            and ignore.start <= finding.span.start < ignore.end
        ):
            at = list(ignore.names.values())[-1].end
            return Fix(title, (Edit(Span(file, at, at), f", {rule}"),))
    start = file.line_starts[line]
    text = file.line(line)
    code = blank(file.text)[start : start + len(text)].rstrip()
    at = start + len(code)
    comment = f" // kfunc-lsp: ignore[{rule}]"
    if text[len(code) :].strip():
        comment = f" /* kfunc-lsp: ignore[{rule}] */"
    return Fix(title, (Edit(Span(file, at, start + len(text) if comment[1:3] == "//" else at), comment),))
