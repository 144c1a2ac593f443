"""The state of one client's session: open documents, settings, and the analysis of each document.

Documents change on the event loop; everything else here runs on the one worker thread. Requests that are made while a
person types run on another, and use ``selection`` and ``last`` alone: settings have a lock of their own.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from kfunc_lsp.check import check
from kfunc_lsp.choice import Choice, choose
from kfunc_lsp.config import Config
from kfunc_lsp.dataclass import dataclass, replace
from kfunc_lsp.errors import SourceError
from kfunc_lsp.project import Disk, Project
from kfunc_lsp.rules.evidence import Memory
from kfunc_lsp.rules.model import Finding
from kfunc_lsp.server.client import Client
from kfunc_lsp.server.documents import Document, path_of
from kfunc_lsp.server.positions import Lines, encode
from kfunc_lsp.server.settings import SECTION, Selection, Settings
from kfunc_lsp.source.flags import Flags, parse_arguments
from kfunc_lsp.source.read import read_unit
from kfunc_lsp.unit.model import Unit

if TYPE_CHECKING:
    from lsprotocol import types


@dataclass(frozen=True, eq=False)
class Analysis:
    """What is known of one state of a document; ``age`` is that of the settings and headers it was made with."""

    document: Document
    selection: Selection
    unit: Unit
    findings: tuple[Finding, ...]
    age: int


class Session:
    """One client, from ``initialize`` to ``exit``.

    ``tell`` shows a message to the person, ``note`` writes one to the log; both are given each text once.
    """

    def __init__(
        self,
        client: Client,
        encoding: str,
        roots: list[str],
        options: object,
        tell: Callable[[str], None],
        note: Callable[[str], None],
    ) -> None:
        self.client = client
        self.encoding = encoding
        self.roots = roots
        self.documents: dict[str, Document] = {}
        self._said: set[str] = set()
        self._note = note
        self._tell = tell
        self._initial = options
        self._settings = Settings(options, self.roots, self.tell)
        self._disk = Disk()
        self._projects: dict[Config, Project] = {}
        self._analyses: dict[str, Analysis] = {}
        self._memories: dict[str, Memory] = {}
        self._age = 0

    @property
    def root(self) -> str:
        """The first folder that the client works in."""
        return self.roots[0]

    def tell(self, text: str) -> None:
        """Show ``text`` to the person, the first time only."""
        if text not in self._said:
            self._said.add(text)
            self._tell(text)

    def note(self, text: str) -> None:
        """Write ``text`` to the client's log, the first time only."""
        if text not in self._said:
            self._said.add(text)
            self._note(text)

    # On the event loop

    def open(self, uri: str, version: int, text: str) -> None:
        """Take over an opened document. Its ``languageId`` does not matter: headers come as C++."""
        self._memories[uri] = Memory()
        self._keep(Document(uri, version, path_of(uri, self.root), Lines(encode(text), self.encoding)))

    def change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply the client's edits."""
        document = self.documents.get(params.text_document.uri)
        if document is not None:
            self._keep(document.edited(params.content_changes, params.text_document.version))

    def close(self, uri: str) -> None:
        """Let go of a document: from now on the file on disk counts."""
        document = self.documents.pop(uri, None)
        if document is not None:
            self._disk.overlay.pop(document.path, None)
            self._analyses.pop(uri, None)
            self._memories.pop(uri, None)

    def _keep(self, document: Document) -> None:
        self.documents[document.uri] = document
        self._disk.overlay[document.path] = document.file

    # On the worker thread

    def refresh(self, databases: bool) -> None:
        """Look at headers, settings and kernels again; at compilation databases too if ``databases``."""
        self._age += 1
        self._disk.look_again()
        self._settings.forget()
        if databases:
            self._projects.clear()

    def configure(self, options: object) -> bool:
        """Take over the client's settings, which may stand under our name; without any, those it began with count.

        False where nothing changes.
        """
        if isinstance(options, Mapping) and SECTION in options:
            options = options[SECTION]
        if not options:
            options = self._initial
        if options == self._settings.options:
            return False
        self._settings.options = options
        self.refresh(databases=True)
        return True

    def config(self, folder: str) -> Config:
        """The settings for programs in ``folder``."""
        return self._settings.config(folder)

    @property
    def is_waiting(self) -> bool:
        """Whether kernels are wanted that are not loaded yet."""
        return bool(self._settings.waiting)

    def load_next(self) -> bool:
        """Load one of them. False where none is left."""
        more = self._settings.load_next()
        self._age += 1
        return more

    def warm(self) -> None:
        """Load the kernels before the first request needs them."""
        self._settings.selection(self.root)

    def selection(self, document: Document, more: Sequence[str] = ()) -> Selection:
        """The kernels that ``document`` is checked against, and those that ``more`` names; see ``Settings``."""
        return self._settings.selection(self._folder(document), more)

    def project(self, document: Document) -> Project:
        """The files around ``document``, as its settings have them."""
        return self._project(self._settings.config(self._folder(document)))

    def own_folders(self, document: Document) -> list[str]:
        """The client's folders in which the compiler looks for headers of ``document``, its own first."""
        paths = self._flags(self.project(document), document).include_paths
        folders = dict.fromkeys((self._folder(document), *paths.quote, *paths.angle))
        return [f for f in folders if any(f == root or f.startswith(root.rstrip("/") + "/") for root in self.roots)]

    def somewhere(self) -> Document:
        """A document in the root, for what is asked of no document."""
        return Document("", None, os.path.join(self.root, ":"), Lines("", self.encoding))

    def last(self, document: Document) -> Analysis | None:
        """The newest analysis of ``document``, which may be of an earlier state of it; names in it still count."""
        return self._analyses.get(document.uri)

    def is_current(self, analysis: Analysis) -> bool:
        """Whether ``analysis`` is of the document as it stands now."""
        return self.documents.get(analysis.document.uri) is analysis.document

    def analysis(self, document: Document) -> Analysis:
        """The analysis of ``document``; made once for each state of it."""
        known = self._analyses.get(document.uri)
        if known is not None and known.document is document and known.age == self._age:
            return known
        age = self._age
        selection = self.selection(document)
        config = self._settings.config(self._folder(document))
        project = self._project(config)
        unit = read_unit(document.file, project.headers, self._flags(project, document), selection.known)
        findings = check(unit, selection.kernels, selection.loader, self._memories.get(document.uri))
        choice = choose(config)
        here = tuple(j for f in findings if f.span.file is unit.file and (j := _judged(choice, f)) is not None)
        analysis = Analysis(document, selection, unit, here, age)
        if self.documents.get(document.uri) is document:
            self._analyses[document.uri] = analysis
        self._say_what_is_missing(document, unit)
        return analysis

    def _folder(self, document: Document) -> str:
        return os.path.dirname(document.path) or self.root

    def _project(self, config: Config) -> Project:
        project = self._projects.get(config)
        if project is None:
            project = self._projects[config] = Project(self._disk, config.include, config.define)
        return project

    def _flags(self, project: Project, document: Document) -> Flags:
        try:
            return project.flags(document.path)
        except SourceError as error:
            self.tell(str(error))
            own = [*(f"-I{folder}" for folder in project.include), *(f"-D{name}" for name in project.define)]
            return parse_arguments(own, self._folder(document))

    def _say_what_is_missing(self, document: Document, unit: Unit) -> None:
        if unit.missing_headers and unit.uses:
            names = ", ".join(unit.missing_headers)
            self.note(f"{document.path}: not found: {names}; types from there are unknown")
        for problem in unit.problems:
            self.note(f"{document.path}: {problem}")


def _judged(choice: Choice, finding: Finding) -> Finding | None:
    severity = choice.judged(finding.rule.name, finding.span.file.path, finding.severity)
    return None if severity is None else replace(finding, severity=severity)
