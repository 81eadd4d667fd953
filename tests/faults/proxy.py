"""A TCP proxy before a server, which a fault can slow down, stall, cut, half-open, or rob of its answers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

CHUNK = 65536
COMMIT = b"COMMIT;"


@dataclass
class Weather:
    """What befalls what passes through. `delay` in seconds for each piece, `bytes_per_second` 0 for no limit."""

    delay: float = 0.0
    bytes_per_second: int = 0
    lost_commits: int = 0
    """How many answers to a COMMIT are still to be dropped, each with its connection."""


@dataclass(eq=False)
class Line:
    """One connection through the proxy: to the client and to the server."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    robbed: bool = False

    def abort(self) -> None:
        self.client.transport.abort()
        self.server.transport.abort()


@dataclass
class Proxy:
    """One listening port in front of one server, both on the loopback."""

    port: int
    target: int
    weather: Weather = field(default_factory=Weather)
    passed: int = 0
    dropped: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self._lines: set[Line] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._joined = True

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)

    async def close(self) -> None:
        self._server.close()
        self.reset()
        for pump in tuple(self._pumps):
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)
        await self._server.wait_closed()

    def reset(self) -> int:
        """Reset every connection; answers how many there were."""
        lines = tuple(self._lines)
        for line in lines:
            line.abort()
        return len(lines)

    def half_open(self) -> int:
        """Close every connection towards the server; the clients hear nothing of it. Answers how many."""
        lines = [line for line in self._lines if not line.robbed]
        for line in lines:
            line.robbed = True
            line.server.transport.abort()
        return len(lines)

    def cut(self) -> int:
        """Reset all connections and refuse new ones."""
        self._joined = False
        return self.reset()

    def join(self) -> None:
        """Let connections through again."""
        self._joined = True

    def stall(self) -> None:
        """Take what comes and hand nothing on: a black hole for as long as it lasts."""
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._joined:
            self.refused += 1
            writer.transport.abort()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        line = Line(writer, back)
        self._lines.add(line)
        for pump in (self._ask(line, reader), self._answer(line, there)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _ask(self, line: Line, reader: asyncio.StreamReader) -> None:
        """From client to server."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._weather_of(data)
                if COMMIT in data and self.weather.lost_commits > 0 and not line.robbed:
                    self.weather.lost_commits -= 1
                    line.robbed = True
                if not line.server.transport.is_closing():
                    line.server.write(data)
                    await line.server.drain()
        self._end(line)

    async def _answer(self, line: Line, reader: asyncio.StreamReader) -> None:
        """From server to client."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._weather_of(data)
                if line.robbed:
                    self.dropped += len(data)
                    break
                if line.client.transport.is_closing():
                    break
                line.client.write(data)
                await line.client.drain()
                self.passed += len(data)
        if not (line.robbed and line.server.transport.is_closing()):
            self._end(line)

    def _end(self, line: Line) -> None:
        line.abort()
        self._lines.discard(line)

    async def _weather_of(self, data: bytes) -> None:
        if self.weather.delay:
            await asyncio.sleep(self.weather.delay)
        if self.weather.bytes_per_second:
            await asyncio.sleep(len(data) / self.weather.bytes_per_second)
        await self._flows.wait()
