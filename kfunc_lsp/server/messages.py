"""What the client writes, on the event loop."""

from __future__ import annotations

import asyncio
import os

from kfunc_lsp.server.pipes import Incoming


class Messages:
    """What is incoming, on the event loop: mirrors the readers of pygls. No thread that would wait for its turn stands
    between.
    """

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming

    async def readline(self) -> bytes:
        """The next line with its end; what is left at the end of input."""
        # What the last message asks for is begun before the next one changes a document.
        await asyncio.sleep(0)
        while b"\n" not in self._incoming.arrived and await self._more():
            pass
        return self._incoming.readline()

    async def readexactly(self, count: int) -> bytes:
        """The next ``count`` bytes; fewer at the end of input."""
        while len(self._incoming.arrived) < count and await self._more():
            pass
        return self._incoming.read(count)

    async def _more(self) -> bool:
        loop = asyncio.get_running_loop()
        if os.name == "nt":
            # Where pipes cannot be waited for but by reading.
            return await loop.run_in_executor(None, self._incoming.more)
        is_there = loop.create_future()
        loop.add_reader(self._incoming.file, is_there.set_result, None)
        try:
            await is_there
        finally:
            loop.remove_reader(self._incoming.file)
        return self._incoming.more()
