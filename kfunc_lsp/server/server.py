"""The server process: lifecycle, text synchronisation, and the way of every request to the worker thread.

The event loop reads messages, applies edits and sends answers. Everything that takes time runs on one worker thread, on
the state of the document at the time of the request, so that edits, cancellations and ``shutdown`` are never held up.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import traceback
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from selectors import SelectSelector
from threading import Event
from typing import Any, TypeVar

from lsprotocol import types
from pygls.exceptions import (
    JsonRpcException,
    JsonRpcInternalError,
    JsonRpcInvalidRequest,
    JsonRpcServerNotInitialized,
    PyglsError,
)
from pygls.io_ import run_async
from pygls.lsp.server import LanguageServer

from kfunc_lsp import __version__
from kfunc_lsp.server.diagnostics import PUBLISH, Diagnostic, of_analysis, publication
from kfunc_lsp.server.documents import Document, file_of
from kfunc_lsp.server.messages import Messages
from kfunc_lsp.server.pipes import Incoming, Outgoing, leave_with
from kfunc_lsp.server.protocol import CONVERTER, Protocol
from kfunc_lsp.server.publisher import Publisher
from kfunc_lsp.server.session import Session
from kfunc_lsp.server.settings import SECTION

log = logging.getLogger("kfunc_lsp")

_R = TypeVar("_R")
_TYPING = 0.002
"""Seconds that an edit waits for what comes with it (a command may make several); keys are hit further apart."""
_POLITE = 0.05
"""Seconds that a check waits at most for answers to a person who types."""
_ELSEWHERE = 0.3
"""Seconds after an edit of a header until the other open documents are checked."""
_REST = 3.0
"""Seconds without an edit until garbage is collected, which takes longer than a keystroke may."""
_WATCHED = (
    "**/*.h",
    "**/*.kpack",
    "**/vmlinux*",
    "**/vmlinuz*",
    "**/*.btf",
    "**/kfunc-lsp.toml",
    "**/pyproject.toml",
    "**/compile_commands.json",
    "**/compile_flags.txt",
    "**/.clangd",
)


class Server(LanguageServer):
    """kfunc-lsp as a pygls server."""

    protocol: Protocol

    def __init__(self) -> None:
        super().__init__(
            "kfunc-lsp",
            __version__,
            text_document_sync_kind=types.TextDocumentSyncKind.Incremental,
            protocol_cls=Protocol,
            converter_factory=lambda: CONVERTER,
        )
        self.left_in_a_hurry = False
        """Whether ``exit`` came without ``shutdown``; pygls ends its loop with 0 either way."""
        self._session: Session | None = None
        self._faults: set[str] = set()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="kfunc-lsp")
        self._typist = ThreadPoolExecutor(1, thread_name_prefix="kfunc-lsp typing")
        self._asked = 0
        self._is_quiet = asyncio.Event()
        self._is_quiet.set()
        self._rest: asyncio.TimerHandle | None = None
        self._outgoing: Outgoing | None = None
        self._publisher = Publisher(self._check, self.document, self._publish)

    @property
    def session(self) -> Session:
        """The client's session. Raises where the client has not said ``initialize``."""
        if self._session is None:
            raise JsonRpcServerNotInitialized("the first request must be `initialize`")
        return self._session

    def document(self, uri: str) -> Document | None:
        """The open document, as it stands now."""
        return self.session.documents.get(uri)

    async def work(self, task: Callable[..., _R], *arguments: Any) -> _R:
        """The result of ``task`` from the worker thread."""
        return await self._on(self._worker, task, *arguments)

    async def at_once(self, task: Callable[..., _R], *arguments: Any) -> _R:
        """The result of ``task``, which waits for no analysis: a check that runs does not hold it up, and one that is
        due lets it go first.
        """
        self._asked += 1
        self._is_quiet.clear()
        try:
            return await self._on(self._typist, task, *arguments)
        finally:
            self._asked -= 1
            if not self._asked:
                self._is_quiet.set()

    async def _on(self, thread: ThreadPoolExecutor, task: Callable[..., _R], *arguments: Any) -> _R:
        if self.protocol.was_shut_down:
            raise JsonRpcInvalidRequest("the server is shutting down")
        try:
            return await asyncio.get_running_loop().run_in_executor(thread, task, *arguments)
        except JsonRpcException:
            raise
        except Exception as error:
            raise JsonRpcInternalError(self.fault(error)) from None

    def fault(self, error: BaseException) -> str:
        """Report an error of our own, once: its trace to the logs, a line to the person. The answer is the line."""
        kind, trace = _told(error)
        words = f"internal error ({kind}); the server's log has more"
        if trace not in self._faults:
            log.error("internal error\n%s", trace)
            if self._session is not None:
                self.window_log_message(types.LogMessageParams(types.MessageType.Error, trace))
        if words not in self._faults and self._session is not None:
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, f"kfunc-lsp: {words}"))
        self._faults |= {words, trace}
        return words

    def _in_background(self, task: Callable[..., object], *arguments: Any) -> None:
        """Run ``task`` on the worker thread; nobody waits for it, but its faults are reported."""
        loop = asyncio.get_running_loop()

        def settle(done: Future[object]) -> None:
            error = None if done.cancelled() else done.exception()
            if error is not None:
                loop.call_soon_threadsafe(self.fault, error)

        self._worker.submit(task, *arguments).add_done_callback(settle)

    def _lost(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """An error in a callback of the event loop, or in a task that nobody waits for."""
        error = context.get("exception")
        if isinstance(error, Exception) and not isinstance(error, JsonRpcException):
            self.fault(error)
        else:
            log.error("%s", error or context["message"])

    def report_server_error(self, error: Exception, source: type[PyglsError] | type[JsonRpcException]) -> None:
        """What pygls meets: an error of ours is reported if it was not, one of the client's goes to the log."""
        if isinstance(error, JsonRpcInternalError):
            is_ours = not any(words in error.message for words in self._faults)
        else:
            is_malformed = source is JsonRpcException and isinstance(error, ValueError)
            is_ours = not is_malformed and not isinstance(error, JsonRpcException)
        if is_ours:
            self.fault(error)
        else:
            log.error("%s: %s", source.__name__, error)

    # Lifecycle

    def run(self, session: Session, process: object, incoming: Incoming, outgoing: Outgoing) -> int:
        """Serve the client of ``session``, whose ``processId`` is ``process``, until it leaves; the answer is the exit
        code.
        """
        self._stop_event = Event()
        self._session = session
        self._outgoing = outgoing
        self.protocol.set_writer(outgoing)
        if isinstance(process, int):
            leave_with(process)

        async def talk(stop: Event) -> None:
            asyncio.get_running_loop().set_exception_handler(self._lost)
            await run_async(stop, Messages(incoming), self.protocol, log, self.report_server_error)

        # Of all selectors this one takes files too.
        runner = asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(SelectSelector()))
        with suppress(SystemExit, KeyboardInterrupt), runner:
            runner.run(talk(self._stop_event))
        self.shutdown()
        return int(self.left_in_a_hurry)

    def _publish(self, uri: str, version: int | None, found: Sequence[Diagnostic]) -> None:
        if self._outgoing is not None and not self.protocol.was_shut_down:
            self._outgoing.notify(PUBLISH, publication(uri, version, found))

    async def warm(self) -> None:
        """Load the kernels, and ask the client to watch headers and settings."""
        session = self.session
        if session.client.watches_files:
            watchers = [types.FileSystemWatcher(glob_pattern=pattern) for pattern in _WATCHED]
            registration = types.Registration(
                id="kfunc-lsp-files",
                method=types.WORKSPACE_DID_CHANGE_WATCHED_FILES,
                register_options=types.DidChangeWatchedFilesRegistrationOptions(watchers=watchers),
            )
            self.client_register_capability(types.RegistrationParams(registrations=[registration]))
        await self.work(session.warm)
        await self.load_kernels()
        if session.client.pulls_settings:
            await self.configured(None)

    async def configured(self, settings: object) -> None:
        """workspace/didChangeConfiguration: the client's settings are ``settings``, or what it answers when asked."""
        session = self.session
        if session.client.pulls_settings:
            item = types.ConfigurationItem(section=SECTION)
            answer = await self.workspace_configuration_async(types.ConfigurationParams(items=[item]))
            settings = answer[0] if answer else None
        if await self.work(session.configure, settings):
            self._schedule_others("")
            await self.work(session.warm)
            await self.load_kernels()

    async def load_kernels(self) -> None:
        """Load the kernels that the first answers have not waited for, and tell of it where that takes long."""
        session = self.session
        if not session.is_waiting:
            return
        token = str(uuid.uuid4())
        progress = self.work_done_progress
        if session.client.shows_progress:
            await progress.create_async(token)
            progress.begin(token, types.WorkDoneProgressBegin(title="kfunc-lsp: reading kernels"))
        while await self.work(session.load_next):
            pass
        if session.client.shows_progress:
            progress.end(token, types.WorkDoneProgressEnd())
        self._schedule_others("")

    def folders_changed(self, event: types.WorkspaceFoldersChangeEvent) -> None:
        """workspace/didChangeWorkspaceFolders."""
        removed = {file_of(folder.uri) for folder in event.removed}
        added = [path for folder in event.added if (path := file_of(folder.uri))]
        roots = self.session.roots
        roots[:] = list(dict.fromkeys([*(root for root in roots if root not in removed), *added])) or roots[:1]
        self._refresh(databases=True)
        self._schedule_others("")

    def leaving(self) -> None:
        """exit."""
        self.left_in_a_hurry = not self.protocol.was_shut_down

    def shutdown(self) -> None:
        """End the worker; what waits for it is dropped."""
        self._worker.shutdown(wait=False, cancel_futures=True)
        self._typist.shutdown(wait=False, cancel_futures=True)
        super().shutdown()  # type: ignore[no-untyped-call]

    # Text synchronisation, on the event loop

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """textDocument/didOpen."""
        item = params.text_document
        self.session.open(item.uri, item.version, item.text)
        self._refresh(databases=False)
        self._schedule(params.text_document.uri, 0)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """textDocument/didChange."""
        uri = params.text_document.uri
        self.session.change(params)
        self._schedule(uri, _TYPING)
        document = self.document(uri)
        if document is not None and not document.path.endswith(".c"):
            self._in_background(self.session.refresh, False)
            self._schedule_others(uri)

    def saved(self, params: types.DidSaveTextDocumentParams) -> None:
        """textDocument/didSave: files beside it may have been saved too."""
        self._refresh(databases=False)
        self._schedule(params.text_document.uri, 0)
        self._schedule_others(params.text_document.uri)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """textDocument/didClose."""
        self.session.close(params.text_document.uri)
        if not self.session.client.pulls_diagnostics:
            self._publisher.clear(params.text_document.uri)

    def files_changed(self) -> None:
        """workspace/didChangeWatchedFiles."""
        self._refresh(databases=True)
        self._schedule_others("")

    def _refresh(self, databases: bool) -> None:
        self._in_background(self.session.refresh, databases)

    def _schedule_others(self, uri: str) -> None:
        client = self.session.client
        for other in self.session.documents:
            if other != uri:
                self._schedule(other, _ELSEWHERE)
        if client.pulls_diagnostics:
            self._ask(types.WORKSPACE_DIAGNOSTIC_REFRESH)
        if client.refreshes_lenses:
            self._ask(types.WORKSPACE_CODE_LENS_REFRESH)
        if client.refreshes_hints:
            self._ask(types.WORKSPACE_INLAY_HINT_REFRESH)
        if client.refreshes_tokens:
            self._ask(types.WORKSPACE_SEMANTIC_TOKENS_REFRESH)

    def _ask(self, method: str) -> None:
        """Ask the client to ask again; nobody waits for its answer."""
        self.protocol.send_request(method, None)

    def _schedule(self, uri: str, delay: float) -> None:
        if self._rest is not None:
            self._rest.cancel()
        self._rest = asyncio.get_running_loop().call_later(_REST, _tidy)
        if not self.session.client.pulls_diagnostics:
            self._publisher.schedule(uri, delay)

    def _check(self, document: Document) -> asyncio.Future[list[Diagnostic] | None]:
        session = self.session

        def diagnostics() -> list[Diagnostic]:
            return of_analysis(session, session.analysis(document))

        async def guarded() -> list[Diagnostic] | None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_quiet.wait(), _POLITE)
            try:
                return await self.work(diagnostics)
            except JsonRpcException:
                return None

        return asyncio.ensure_future(guarded())


def _tidy() -> None:
    """Collect what garbage there is, such as imports have left, and look at what is there now no more.

    Until the first rest nothing is collected; from then on also while a person types, but only what has come since.
    """
    gc.collect()
    gc.freeze()
    gc.enable()


def _told(error: BaseException) -> tuple[str, str]:
    """An error's type and its trace; those of the error that pygls has put into one of its own."""
    if isinstance(error, JsonRpcInternalError) and isinstance(error.data, dict):
        kind = error.message.partition(":")[0]
        return kind, "".join([*error.data.get("traceback", ()), error.message, "\n"])
    return type(error).__name__, "".join(traceback.format_exception(error))
