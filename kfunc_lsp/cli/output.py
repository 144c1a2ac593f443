"""Where reports go: standard output and files, each format by its writer; files are whole or not there."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from kfunc_lsp.cli.terminal import width
from kfunc_lsp.dataclass import dataclass
from kfunc_lsp.errors import KfuncLspError
from kfunc_lsp.report import FORMATS, text, writer
from kfunc_lsp.report.model import Report

AUTO = "auto"


class OutputError(KfuncLspError):
    """A report that cannot be written, or not so; the text says why."""


@dataclass(frozen=True, slots=True)
class Output:
    """A report in ``format``, to the file ``path``; empty: standard output."""

    format: str
    path: str = ""

    def write(self, report: Report) -> None:
        """Write the report."""
        if self.path:
            save(self.path, writer(self.format)(report).encode("utf-8", "replace"))
        elif self.format == "text":
            print(text.write(report, text.Style(is_coloured(), width())), end="")
        else:
            print(writer(self.format)(report), end="")


def outputs(formats: Sequence[str], file: str, environment: Mapping[str, str]) -> list[Output]:
    """What the flags ask for: each of ``formats`` is FORMAT or FORMAT:FILE, those without a file go to ``file``.

    Raises ``OutputError`` where a format is not known, or two are to go to one place.
    """
    found = []
    for asked in formats or ["text"]:
        name, _, path = asked.partition(":")
        name = _automatic(environment, bool(path or file)) if name == AUTO else name
        if name not in FORMATS:
            raise OutputError(f"--format {asked}: there is no such format; there are {', '.join(FORMATS)}, {AUTO}")
        found.append(Output(name, path or file))
    places = [output.path for output in found]
    for place in places:
        if places.count(place) > 1:
            where = place or "standard output"
            raise OutputError(f"two formats for {where}; give one of them a file: --format sarif:report.sarif")
    return found


_READERS = (
    ("GITHUB_ACTIONS", "github", "github"),
    ("GITLAB_CI", "text", "gitlab"),
    ("JENKINS_URL", "text", "checkstyle"),
    ("TEAMCITY_VERSION", "text", "checkstyle"),
    ("CIRCLECI", "text", "junit"),
    ("TF_BUILD", "text", "junit"),
    ("BITBUCKET_BUILD_NUMBER", "text", "junit"),
)
"""Variables that a CI sets, and what it reads on standard output and as a file."""


def _automatic(environment: Mapping[str, str], to_file: bool) -> str:
    """The format of the CI that ``environment`` shows."""
    for variable, printed, filed in _READERS:
        if environment.get(variable, "") not in ("", "false", "False"):
            return filed if to_file else printed
    return "text"


def is_coloured() -> bool:
    """Whether standard output is to have colours: a terminal, unless ``NO_COLOR`` is set."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def save(path: str, content: bytes) -> None:
    """Write a file as a whole: it is there with all of ``content``, or as it was. Raises ``OutputError``."""
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        _write_through(path, content)
        return
    import tempfile

    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(prefix=".kfunc-lsp-", dir=os.path.dirname(target))
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, os.stat(target).st_mode & 0o7777 if os.path.exists(target) else 0o666 & ~_umask())
        os.replace(temporary, target)
        temporary = ""
    except OSError as error:
        raise OutputError(f"{path}: {(error.strerror or str(error)).lower()}; nothing was written") from None
    finally:
        if temporary:
            os.unlink(temporary)


def create(path: str, content: bytes) -> None:
    """Write a file that must not be there yet, as a whole. Raises ``OutputError``."""
    try:
        with open(path, "xb") as file:
            try:
                file.write(content)
                file.flush()
            except BaseException:
                os.unlink(path)
                raise
    except OSError as error:
        raise OutputError(f"{path}: {(error.strerror or str(error)).lower()}; nothing was written") from None


def _write_through(path: str, content: bytes) -> None:
    """Write to a device or a pipe."""
    try:
        with open(path, "wb") as file:
            file.write(content)
    except OSError as error:
        raise OutputError(f"{path}: {(error.strerror or str(error)).lower()}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
