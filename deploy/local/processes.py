"""Operating-system processes: started so that none outlives us, named so that none is mistaken for another."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Identity:
    """A process by its id and its start (clock ticks since boot): an id alone may have been given away again."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """Identify a running process; None when it is gone or only waits to be reaped."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in {"Z", "X"} else cls(pid, int(fields[19]))

    @property
    def alive(self) -> bool:
        """Whether this very process still runs."""
        return Identity.of(self.pid) == self

    def send(self, number: signal.Signals) -> None:
        """Send a signal to this very process; nothing happens when it is gone."""
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    async def gone(self, seconds: float) -> bool:
        """Wait until the process has ended, at most `seconds`; answers whether it has."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self.alive:
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.02)
        return True

    async def end(self, polite: signal.Signals = signal.SIGTERM, seconds: float = 10) -> None:
        """Ask the process to end, then end it by force."""
        self.send(polite)
        if not await self.gone(seconds):
            self.send(signal.SIGKILL)
            await self.gone(seconds)


@dataclass(frozen=True)
class Launch:
    """How one process is started.

    `environment` is the whole environment; `uid` is a user to become (only root can); `farewell` is sent by the
    kernel when the starter dies, so that nothing of ours is left behind.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    uid: int | None = None
    farewell: signal.Signals = signal.SIGTERM


def tied_to_us(farewell: signal.Signals) -> Callable[[], None]:
    """Make a `preexec_fn`: the kernel sends the farewell when we die. Becoming another user undoes an earlier tie."""
    starter = os.getpid()

    def tie() -> None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(farewell), 0, 0, 0)
        if os.getppid() != starter:  # the starter died before the tie was made
            os._exit(1)

    return tie


class Child:
    """A process of ours, in a process group of its own, its output appended to a log file."""

    def __init__(self, launch: Launch) -> None:
        with launch.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - the command is ours, no shell
                list(launch.command),
                env=dict(launch.environment),
                cwd=launch.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                umask=0o077,
                user=launch.uid,
                group=launch.uid and pwd.getpwuid(launch.uid).pw_gid,
                extra_groups=[] if launch.uid else None,
                preexec_fn=tied_to_us(launch.farewell),  # noqa: PLW1509 - one system call
            )
        self.identity = Identity.of(self._process.pid) or Identity(self._process.pid, 0)

    async def ended(self) -> int:
        """Wait for the end; answers the exit code (negative: the signal)."""
        loop, seen = asyncio.get_running_loop(), asyncio.Event()
        descriptor = os.pidfd_open(self._process.pid) if self._process.poll() is None else -1
        if descriptor >= 0:
            loop.add_reader(descriptor, seen.set)
            try:
                await seen.wait()
            finally:
                loop.remove_reader(descriptor)
                os.close(descriptor)
        return self._process.wait()

    async def end(self, polite: signal.Signals, seconds: float) -> None:
        """Ask to end, wait, then end the whole group by force."""
        self.identity.send(polite)
        try:
            await asyncio.wait_for(self.ended(), seconds)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.identity.pid, signal.SIGKILL)
            await self.ended()
