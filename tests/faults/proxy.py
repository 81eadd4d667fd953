"""A TCP proxy before a server: a fault can slow, stall, cut or half-open its lines, and lose what they carry."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
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
    waiting: dict[int, bytes] = field(default_factory=dict)
    """What was taken of it and stands in the proxy, one piece for each direction at most."""

    @property
    def caller(self) -> int:
        """The port of its client."""
        return int(self.client.get_extra_info("peername")[1])

    @property
    def outwards(self) -> int:
        """The port from which it speaks to the server."""
        return int(self.server.get_extra_info("sockname")[1])

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
    late: int = 0
    """Bytes that the weather held up."""
    lost: int = 0
    """Bytes that were taken from the lines and reached nobody."""
    dropped: int = 0
    refused: int = 0
    given_up: list[bytes] = field(default_factory=list)
    """What was asked in vain on each half-open line until its client closed it himself."""

    def __post_init__(self) -> None:
        self._lines: set[Line] = set()
        self._pumps: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self._stalled: frozenset[int] | None = None
        self._swallows = False
        self._joined = True

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

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

    def stall(self, callers: Collection[int] | None = None) -> None:
        """Take what comes and hand nothing on until it flows again; of all lines, or of those from these ports."""
        self._stalled = None if callers is None else frozenset(callers)
        self._flows.clear()

    def flow(self) -> None:
        self._flows.set()

    def waiting(self) -> list[bytes]:
        """Show what stands in the proxy, piece by piece."""
        return [piece for line in self._lines for piece in line.waiting.values()]

    def caller_behind(self, port: int) -> int:
        """Tell the port of the client for whom the server is spoken to from this one; 0 where he has gone."""
        return next((line.caller for line in self._lines if line.outwards == port), 0)

    def swallow(self) -> None:
        """Take what comes, on every line and both ways, and lose it in silence."""
        self._swallows = True

    def swallow_no_more(self) -> int:
        """Reset every line, for each may have lost something, and hand on again. Answers how many."""
        self._swallows = False
        return self.reset()

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
        if not self._joined:
            # It was cut while it was being opened.
            self.refused += 1
            line.abort()
            return
        self._lines.add(line)
        for pump in (self._ask(line, reader), self._answer(line, there)):
            task = asyncio.create_task(pump)
            self._pumps.add(task)
            task.add_done_callback(self._pumps.discard)

    async def _ask(self, line: Line, reader: asyncio.StreamReader) -> None:
        """From client to server."""
        in_vain = b""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if not await self._comes_through(line, data):
                    continue
                if COMMIT in data and self.weather.lost_commits > 0 and not line.robbed:
                    self.weather.lost_commits -= 1
                    line.robbed = True
                if line.server.transport.is_closing():
                    self.lost += len(data)
                    in_vain += data
                    continue
                line.server.write(data)
                await line.server.drain()
        if in_vain:
            self.given_up.append(in_vain)
        self._end(line)

    async def _answer(self, line: Line, reader: asyncio.StreamReader) -> None:
        """From server to client."""
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if not await self._comes_through(line, data):
                    continue
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

    async def _comes_through(self, line: Line, data: bytes) -> bool:
        """Hold a piece up as the weather wants; answers whether it is to be handed on at all."""
        if self.weather.delay or self.weather.bytes_per_second:
            slowness = self.weather.bytes_per_second
            await asyncio.sleep(self.weather.delay + (len(data) / slowness if slowness else 0))
            self.late += len(data)
        if not self._flows.is_set() and (self._stalled is None or line.caller in self._stalled):
            await self._stand(line, data)
        if self._swallows:
            self.lost += len(data)
        return not self._swallows

    async def _stand(self, line: Line, data: bytes) -> None:
        line.waiting[id(data)] = data
        try:
            await self._flows.wait()
        finally:
            del line.waiting[id(data)]
