"""One service as one process: HTTP and loops in one task group, one way to start and one way to end.

SIGTERM: /readyz says 503, requests in flight end, loops stop, exit 0. A loop that ends by itself or raises ends the
process with exit 1, so that the supervisor starts a clean one. A process that cannot end within 30 s is ended hard.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.metadata
import os
import signal
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI

from shared.auth import TokenVerifier
from shared.clocks import LegalClock, legal_clock
from shared.database import Pool, create_pool, show_use, unreachable
from shared.http.app import Surface, create_app
from shared.http.connections import Connections
from shared.http.health import Check, Health, MetricsSnapshot
from shared.loops import Loop, Watched, is_being_cancelled, rest
from shared.messaging.faults import passes, reason_of
from shared.observability import configure_logging
from shared.settings import Profile, ServiceSettings, load_settings

__all__ = ["Parts", "Resources", "Service", "Surface", "run"]

DRAIN_SECONDS = 10
END_SECONDS = 30
PREPARE_AGAIN_SECONDS = 0.5
log = structlog.get_logger("runtime")


Settings = TypeVar("Settings", bound=ServiceSettings)


@dataclass(frozen=True)
class Resources(Generic[Settings]):
    """What every service is built from."""

    settings: Settings
    pool: Pool
    clock: LegalClock


@dataclass(frozen=True)
class Parts:
    """What a service is made of.

    `prepare` runs before any loop, in order, and may take as long as its dependency is away (the rules): what passes by
    itself (`faults.passes`) is tried again from the first; until it is through, the process answers HTTP but is not
    ready. Every loop counts for /livez; that of `consumers` counts for /readyz too, that of `loops` does not: a service
    whose relay has no Kafka still accepts. `closing` runs at the end, last one first.
    """

    surface: Surface
    prepare: Sequence[Callable[[], Awaitable[None]]] = ()
    loops: Mapping[str, Watched] = field(default_factory=dict)
    consumers: Mapping[str, Watched] = field(default_factory=dict)
    checks: Mapping[str, Check] = field(default_factory=dict)
    closing: Sequence[Callable[[], Awaitable[None]]] = ()


@dataclass(frozen=True)
class Service(Generic[Settings]):
    """A service: its name (also of its schema and its consumer group), its settings and how it is put together."""

    name: str
    settings: type[Settings]
    build: Callable[[Resources[Settings]], Awaitable[Parts]]


class LoopEnded(RuntimeError):
    """A loop came back although nobody had asked it to."""


def package_version() -> str:
    """Return the version of this distribution."""
    return importlib.metadata.version("motcua")


def run(service: Service[Settings]) -> None:
    """Run the service until it is told to end; exits 78 for bad settings, 1 when a part dies, else returns."""
    gc.freeze()  # what was imported
    gc.enable()
    settings = load_settings(service.settings)
    version = package_version()
    configure_logging(service.name, version, settings.log.level)
    listener = _listen(settings.http.host, settings.http.port)
    try:
        uvloop.run(_Process(service.name, version, listener).live(service, settings))
    except Exception as error:
        log.exception("process_failed", exc_info=error)
        raise SystemExit(1) from None


def _spare_the_collector() -> None:
    """Leave what lives as long as the process out of collections; a request's objects die without one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def _listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        log.error("port_taken", host=host, port=port, reason=error.strerror)  # noqa: TRY400 - no trace for an operator
        raise SystemExit(1) from error
    listener.listen(2048)
    return listener


class _Server(uvicorn.Server):
    """Ends when it is told to, and wakes once a second for its Date header: its own loop looks ten times for both."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the process."""
        yield

    async def main_loop(self) -> None:
        """Serve until `end`."""
        while not await self.on_tick(0):
            await rest(self._told, 1.0)

    def end(self) -> None:
        """Take no more connections, and end when all requests are answered."""
        self.should_exit = True
        self._told.set()


class _Process:
    def __init__(self, name: str, version: str, listener: socket.socket) -> None:
        self._name, self._version, self._listener = name, version, listener
        self._told, self._stop = asyncio.Event(), asyncio.Event()
        self._prepared = False
        self._snapshot = MetricsSnapshot()

    async def live(self, service: Service[Settings], settings: Settings) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._told.set)
        async with contextlib.AsyncExitStack() as end:
            pool = await create_pool(settings.database, service.name)
            end.callback(pool.terminate)
            show_use(pool)
            parts = await service.build(Resources(settings, pool, legal_clock(settings.clock)))
            for close in parts.closing:
                end.push_async_callback(close)
            health = self._health(parts, pool)
            verifier = TokenVerifier(settings.tokens, symmetric=settings.profile is not Profile.PRODUCTION)
            app = create_app(
                service=self._name,
                version=self._version,
                surface=parts.surface,
                verifier=verifier,
                limits=settings.limits,
                health=health,
                snapshot=self._snapshot,
            )
            connections = Connections(settings.limits)
            server = _Server(_http_config(app, settings, connections))
            await self._turn(parts, health, server, connections)
        log.info("ended")

    def _health(self, parts: Parts, pool: Pool) -> Health:
        checks: dict[str, Check] = {"start": self._not_prepared, "database": lambda: unreachable(pool), **parts.checks}
        checks |= {name: _not_ready(consumer) for name, consumer in parts.consumers.items()}
        return Health(checks, {name: _not_alive(loop) for name, loop in _all_loops(parts).items()})

    async def _not_prepared(self) -> str | None:
        return None if self._prepared else "still preparing"

    async def _turn(self, parts: Parts, health: Health, server: _Server, connections: Connections) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(server.serve([self._listener]), name="http")
                group.create_task(connections.run(self._stop), name="connections")
                group.create_task(self._snapshot.run(self._stop), name="metrics snapshot")
                group.create_task(health.run(self._stop), name="readiness")
                starting = group.create_task(self._start(parts, group), name="start")
                log.info("listening", port=self._listener.getsockname()[1])
                await self._end_when_told(health, server, serving, starting)
        finally:
            _end_hard_after(END_SECONDS)

    async def _start(self, parts: Parts, group: asyncio.TaskGroup) -> None:
        await self._prepare(parts)
        _spare_the_collector()
        self._prepared = True
        loops = _all_loops(parts)
        for name, loop in loops.items():
            group.create_task(self._keep(name, loop.run), name=name)
        log.info("started", loops=sorted(loops))

    async def _prepare(self, parts: Parts) -> None:
        while True:
            try:
                for prepare in parts.prepare:
                    await prepare()
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("prepare_waits", reason=reason_of(error))
                await asyncio.sleep(PREPARE_AGAIN_SECONDS)
            else:
                return

    async def _keep(self, name: str, loop: Loop) -> None:
        try:
            await loop(self._stop)
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            raise LoopEnded(name) from error
        if not self._stop.is_set():
            raise LoopEnded(name)

    async def _end_when_told(
        self, health: Health, server: _Server, serving: asyncio.Task[None], starting: asyncio.Task[None]
    ) -> None:
        await self._told.wait()
        log.info("ending")
        _end_hard_after(END_SECONDS)
        health.stopping = True
        server.end()
        await serving
        self._stop.set()
        starting.cancel()


def _http_config(app: FastAPI, settings: ServiceSettings, connections: Connections) -> uvicorn.Config:
    protocol: Any = connections.protocol
    return uvicorn.Config(
        app,
        loop="none",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.http.proxies),
        forwarded_allow_ips=settings.http.proxies,
        timeout_keep_alive=settings.limits.idle_seconds,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


def _all_loops(parts: Parts) -> Mapping[str, Watched]:
    return {**parts.loops, **parts.consumers}


def _not_ready(consumer: Watched) -> Check:
    async def check() -> str | None:
        state = consumer.pulse.health()
        return None if state.ready else state.reason or "not ready"

    return check


def _not_alive(loop: Watched) -> Check:
    async def check() -> str | None:
        state = loop.pulse.health()
        return None if state.alive else state.reason or "its loop stands still"

    return check


def _end_hard_after(seconds: float) -> None:
    watchdog = threading.Timer(seconds, os._exit, [1])
    watchdog.daemon = True
    watchdog.start()
