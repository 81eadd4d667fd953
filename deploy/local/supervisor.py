"""The supervisor: starts parts, waits until they are ready, starts again what dies, ends all it started."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

from deploy.faults import DeployError
from deploy.local import state
from deploy.local.folder import Folder
from deploy.local.parts import Part
from deploy.local.processes import Child, Identity
from deploy.local.state import Phase, ProcessState, StackState

_BACK_OFF = (0.2, 0.5, 1, 2, 5, 10)
"""Seconds before the next attempt; the last one repeats."""
_SETTLED = 30.0
"""A part that ran this many seconds is forgiven its earlier deaths."""
_FIRST_ATTEMPTS = 3
"""A first start may meet what a crash left for a moment, such as PostgreSQL's shared memory; then it has failed."""
_READY_SECONDS = 120.0
"""How long a first start may take."""
_LOG_LINES = 15
_PROBE_PAUSE = 0.2


class PartFailed(DeployError):
    """A part ended, or did not become ready, while the stack was starting."""


@dataclass
class _Running:
    part: Part
    child: Child
    since: float
    restarts: int = 0
    deaths: int = 0
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    was_ready: bool = False


class Supervisor:
    """Supervises the parts of one folder. Use from one event loop; `end_leftovers()` comes before the first start."""

    def __init__(self, folder: Folder, ports: dict[str, int]) -> None:
        self._folder, self._ports = folder, ports
        self._running: dict[str, _Running] = {}
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._phase: Phase = "starting"
        self._progress = self._error = ""

    async def end_leftovers(self) -> list[str]:
        """End what an earlier supervisor of this folder left behind, each by id and start; answers their names."""
        before = state.read(self._folder)
        left = {name: found.identity for name, found in (before.parts if before else {}).items()}
        alive = {name: identity for name, identity in left.items() if identity.alive}
        await asyncio.gather(*(identity.end(signal.SIGINT) for identity in alive.values()))
        return sorted(alive)

    async def start(self, parts: Iterable[Part]) -> None:
        """Start parts together and wait until each is ready. Raises PartFailed with the end of its log."""
        parts = list(parts)
        for part in parts:
            self._running[part.name] = _Running(part, Child(part.launch), asyncio.get_running_loop().time())
            self._write()
            self._watches[part.name] = asyncio.create_task(self._watch(part.name), name=f"watch {part.name}")
        try:
            async with asyncio.TaskGroup() as group:
                for part in parts:
                    group.create_task(self._first_ready(part))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None

    def say(self, phase: Phase, progress: str = "", error: str = "") -> None:
        """Write down how far we are."""
        self._phase, self._progress, self._error = phase, progress, error
        self._write()

    def identity(self, name: str) -> Identity:
        """Identify the running process of a part. Raises KeyError for a part that was not started."""
        return self._running[name].child.identity

    def restarts(self, name: str) -> int:
        """How often a part was started again."""
        return self._running[name].restarts

    async def wait_ready(self, name: str) -> None:
        """Wait until a part answers its probe (again)."""
        await self._running[name].ready.wait()

    def kill(self, name: str) -> Identity:
        """SIGKILL a part, as a crash would; the supervisor starts it again. Answers who was killed."""
        victim = self.identity(name)
        self._running[name].ready.clear()
        victim.send(signal.SIGKILL)
        return victim

    async def stop(self) -> None:
        """End all parts: first those that use the servers, then the servers."""
        for watch in self._watches.values():
            watch.cancel()
        await asyncio.gather(*self._watches.values(), return_exceptions=True)
        self._watches.clear()
        for servers in (False, True):
            ending = [run for run in self._running.values() if run.part.server is servers]
            await asyncio.gather(*(run.child.end(run.part.stop_signal, run.part.stop_seconds) for run in ending))
        self._running.clear()
        self._write()

    async def _watch(self, name: str) -> None:
        running = self._running[name]
        loop = asyncio.get_running_loop()
        while True:
            watcher = asyncio.create_task(self._until_ready(running))
            try:
                await running.child.ended()
            finally:
                watcher.cancel()
            running.ready.clear()
            running.deaths = 1 if loop.time() - running.since > _SETTLED else running.deaths + 1
            if not running.was_ready and running.deaths == _FIRST_ATTEMPTS:
                return
            await self._start_again(running)

    async def _start_again(self, running: _Running) -> None:
        """Start a part that died, however often that takes: the machine may be short of memory or disk just now."""
        while True:
            await asyncio.sleep(_BACK_OFF[min(running.deaths, len(_BACK_OFF)) - 1])
            try:
                running.child, running.since = Child(running.part.launch), asyncio.get_running_loop().time()
            except OSError as error:
                running.deaths += 1
                sys.stderr.write(f"{running.part.name} cannot be started: {error}\n")
            else:
                break
        running.restarts += 1
        self._write()

    async def _until_ready(self, running: _Running) -> None:
        while await running.part.probe() is not None:  # noqa: ASYNC110 - another process tells no event of ours
            await asyncio.sleep(_PROBE_PAUSE)
        running.was_ready = True
        running.ready.set()

    async def _first_ready(self, part: Part) -> None:
        running = self._running[part.name]
        ready = asyncio.create_task(running.ready.wait())
        watch = self._watches[part.name]
        try:
            await asyncio.wait({ready, watch}, timeout=_READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ready.cancel()
        if not running.ready.is_set():
            fate = "ended" if watch.done() else f"was not ready after {_READY_SECONDS:.0f} s"
            reason = "" if watch.done() else f" ({await part.probe()})"
            raise PartFailed(f"{part.name} {fate}{reason}; the end of {part.launch.log}:\n{_tail(part)}")

    def _write(self) -> None:
        supervisor = Identity.of(os.getpid())
        parts = {
            name: ProcessState(pid=run.child.identity.pid, started=run.child.identity.started, restarts=run.restarts)
            for name, run in self._running.items()
        }
        found = StackState(
            phase=self._phase,
            supervisor=ProcessState(pid=os.getpid(), started=supervisor.started if supervisor else 0),
            ports=self._ports,
            folder=str(self._folder.path),
            secrets=str(self._folder.secrets),
            logs=str(self._folder.logs),
            parts=parts,
            progress=self._progress,
            error=self._error,
        )
        state.write(self._folder, found)


def _tail(part: Part) -> str:
    with contextlib.suppress(FileNotFoundError):
        return "\n".join(part.launch.log.read_text("utf-8", "replace").splitlines()[-_LOG_LINES:])
    return ""
