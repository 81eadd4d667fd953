"""Signals to the processes of a stack, each by its id: frozen with all they started, and let go again."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deploy.local.stack import Stack
from tests.waiting import until


class DidNotStrike(AssertionError):
    """The fault was not seen to strike: what follows would prove nothing."""


async def superseded(stack: Stack, part: str) -> None:
    """SIGTERM a part and wait until another process stands in its place."""
    before = stack.pid(part)
    with suppress(ProcessLookupError):  # it may have ended itself: another process is on its way then
        os.kill(before, signal.SIGTERM)

    async def another() -> bool:
        return stack.pid(part) != before

    await until(another)


async def replaced(stack: Stack, part: str) -> None:
    """SIGTERM a part and wait until another process of it is ready."""
    await superseded(stack, part)
    await stack.wait_ready(part)


def family(pid: int) -> list[int]:
    """Name a process and all that it started, itself first."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [pid, *(below for child in children for below in family(int(child)))]


def ports_of(pid: int) -> set[int]:
    """Name the ports of a process's own ends of TCP connections."""
    sockets = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            sockets.add(str(each.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text("ascii").splitlines()[1:]]
    return {int(row[1].partition(":")[2], 16) for row in rows if row[9] in sockets}


def memory_of(pid: int, figure: str) -> int:
    """Tell a process's memory in kB: VmRSS is what it holds now, VmHWM the most it held since `forget_peak`."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    return int(status.partition(f"{figure}:")[2].split()[0])


def forget_peak(pid: int) -> None:
    """Let the peak of a process's memory begin at what it holds now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def state_of(pid: int) -> str:
    """Tell the letter of a process in /proc: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]


@contextmanager
def frozen(pid: int) -> Iterator[list[int]]:
    """SIGSTOP a process and all that it started; SIGCONT at the end."""
    pids = family(pid)
    for each in pids:
        with suppress(ProcessLookupError):  # a process of PostgreSQL may have ended meanwhile
            os.kill(each, signal.SIGSTOP)
    try:
        yield pids
    finally:
        for each in reversed(pids):
            if Path(f"/proc/{each}").exists():
                os.kill(each, signal.SIGCONT)


async def see_frozen(pids: list[int]) -> None:
    """Wait until SIGSTOP has struck all of them."""

    async def all_stand() -> bool:
        return all(state_of(pid) in "Tt" for pid in pids if Path(f"/proc/{pid}").exists())

    await until(all_stand)
