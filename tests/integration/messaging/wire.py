"""A line to a server that a test can cut and join again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from tests.ports import port_base, spare_port

PORT = spare_port(port_base("messaging"), 0)
"""Beside the suite's servers."""


class Wire:
    """A TCP forwarder in front of a server that can be cut: connections reset, new ones refused."""

    def __init__(self, target: int, port: int = PORT) -> None:
        self._target = target
        self.port = port
        self._server: asyncio.Server | None = None
        self._lines: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self.cut_lines = 0

    async def join(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", self.port)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for line in self._lines:
            line.transport.abort()
        self.cut_lines += len(self._lines)
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._server.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._target)
        self._lines |= {writer, back}
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(self._pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
        self._lines.discard(sink)
