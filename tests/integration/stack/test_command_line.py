"""`motcua up`, `status` and `down` as a person types them, through crashes of everything they started."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.local import state
from deploy.local.folder import Folder, server_uid
from deploy.local.processes import Identity
from deploy.local.stack import ALL_PARTS
from tests.integration.stack.conftest import PORT_BASE
from tests.operating import command

OWN_PORTS = {
    "MOTCUA_PORT_POSTGRES": str(PORT_BASE + 20),
    "MOTCUA_PORT_KAFKA": str(PORT_BASE + 21),
    "MOTCUA_PORT_KAFKA_CONTROLLER": str(PORT_BASE + 22),
    "MOTCUA_PORT_SMS": str(PORT_BASE + 23),
    "MOTCUA_PORT_MAIL": str(PORT_BASE + 24),
}
"""Beside those of the module's stack, which may still run."""


@dataclass(frozen=True)
class Terminal:
    """Runs `motcua` on one folder."""

    folder: Path

    async def run(self, *words: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *command(self.folder, *words),
            env=os.environ | OWN_PORTS,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def up(self, *words: str) -> tuple[int, str, str]:
        return await self.run("up", *(words or ("--only", "postgres,kafka,sinks")), "--port-base", str(PORT_BASE))

    async def status(self) -> tuple[int, dict[str, Any]]:
        code, out, _ = await self.run("status", "--json")
        return code, json.loads(out)

    async def healthy(self) -> dict[str, Any]:
        """The status once all is up (again)."""
        async with asyncio.timeout(60):
            while (found := await self.status())[0] != 0:
                continue
        return found[1]

    def recorded(self) -> state.StackState:
        found = state.read(Folder(self.folder))
        assert found is not None
        return found

    def processes(self) -> dict[str, Identity]:
        found = self.recorded()
        return {"supervisor": found.supervisor.identity} | {name: of.identity for name, of in found.parts.items()}


@contextmanager
def died_and_not_reaped() -> Iterator[int]:
    """A process of the server's user that is dead but still answers to its id, as a killed one does for a while."""
    dead = subprocess.Popen(["/bin/sh", "-c", ""], user=server_uid(), cwd="/")
    while Identity.of(dead.pid) is not None:
        time.sleep(0.01)
    yield dead.pid
    dead.wait()


@pytest.fixture
async def terminal(folder: Path) -> AsyncIterator[Terminal]:
    shown = Terminal(folder)
    yield shown
    await shown.run("down")


async def test_up_status_second_up_down(terminal: Terminal) -> None:
    code, out, err = await terminal.up()
    assert code == 0, err
    assert OWN_PORTS["MOTCUA_PORT_POSTGRES"] in out
    code, found = await terminal.status()
    assert (code, found["healthy"]) == (0, True)
    assert {part["name"] for part in found["parts"]} == {"postgres", "kafka", "sinks"}

    code, _, err = await terminal.up()
    assert code == 1
    assert "already running" in err
    assert "motcua down" in err

    processes = terminal.processes()
    code, _, _ = await terminal.run("down")
    assert code == 0
    assert [name for name, process in processes.items() if process.alive] == []
    code, found = await terminal.status()
    assert (code, found["running"], found["phase"]) == (3, False, "stopped")


@pytest.mark.parametrize(
    ("parts", "victims"),
    [("postgres,sinks", ("supervisor",)), ("postgres,kafka,sinks", ("supervisor", "postgres", "kafka", "sinks"))],
)
async def test_after_a_kill_of_anything_the_next_up_works(
    terminal: Terminal, parts: str, victims: tuple[str, ...]
) -> None:
    assert (await terminal.up("--only", parts))[0] == 0
    before = terminal.processes()
    for name in victims:
        before[name].send(signal.SIGKILL)
    assert await before["supervisor"].gone(10)
    with died_and_not_reaped() as pid:
        lock = Folder(terminal.folder).postgres / "postmaster.pid"
        if "postgres" in victims and lock.exists():  # not where the supervisor's death had ended it politely before
            lock.write_text(lock.read_text("ascii").replace(str(before["postgres"].pid), str(pid), 1), "ascii")
        code, out, err = await terminal.up("--only", parts)
    assert code == 0, (out, err)
    code, found = await terminal.status()
    assert (code, found["healthy"]) == (0, True)
    assert [name for name, process in before.items() if process.alive] == []


async def test_after_a_kill_of_a_service_with_its_supervisor_all_parts_come_up(terminal: Terminal) -> None:
    code, _, err = await terminal.up("--only", "postgres,kafka,processing")
    assert code == 0, err
    before = terminal.processes()
    for name in ("supervisor", "processing"):
        before[name].send(signal.SIGKILL)
    assert await before["processing"].gone(10)
    code, out, err = await terminal.up("--only", ",".join(ALL_PARTS))
    assert code == 0, (out, err)
    code, found = await terminal.status()
    assert (code, found["healthy"]) == (0, True)
    assert {part["name"] for part in found["parts"]} == set(ALL_PARTS)
    assert [name for name, process in before.items() if process.alive] == []


async def test_two_replicas_are_shown_come_back_one_by_one_and_end_together(terminal: Terminal) -> None:
    code, out, err = await terminal.up("--only", "postgres,kafka,intake", "--replicas", "2")
    assert code == 0, err
    assert f"http://127.0.0.1:{PORT_BASE + 11}" in out
    before = terminal.processes()
    assert set(before) == {"supervisor", "postgres", "kafka", "intake", "intake_2"}
    before["intake_2"].send(signal.SIGKILL)
    assert await before["intake_2"].gone(10)
    found = await terminal.healthy()
    parts = {part["name"]: part for part in found["parts"]}
    assert parts["intake"]["ports"] == {"intake": PORT_BASE + 1}
    assert parts["intake_2"]["ports"] == {"intake_2": PORT_BASE + 11}
    assert {name: part["restarts"] for name, part in parts.items() if part["restarts"]} == {"intake_2": 1}
    killed = terminal.processes()
    assert {name for name in before if before[name] != killed[name]} == {"intake_2"}

    code, out, err = await terminal.run("restart")
    assert code == 0, err
    after = terminal.processes()
    assert {name for name in after if after[name] != killed[name]} == {"intake", "intake_2"}
    assert [line.split()[0] for line in out.splitlines()] == ["intake", "intake_2"]

    code, _, err = await terminal.run("restart", "metrics")
    assert code == 1
    assert "no metrics runs" in err
    after["intake_2"].send(signal.SIGSTOP)
    code, _, err = await terminal.run("restart", "intake")
    assert code == 1
    assert "intake_2 is not ready" in err
    assert terminal.processes() == after
    after["intake_2"].send(signal.SIGCONT)

    assert (await terminal.run("down"))[0] == 0
    assert [name for name, process in after.items() if process.alive] == []


async def test_a_child_that_outlived_its_supervisor_is_ended_by_the_next_up(terminal: Terminal) -> None:
    """The kernel ends what a dead supervisor leaves, even what stands still: another process takes the place of one."""
    assert (await terminal.up("--only", "postgres,sinks"))[0] == 0
    before = terminal.processes()
    before["supervisor"].send(signal.SIGKILL)
    assert all([await process.gone(20) for process in before.values()])
    outlived = await asyncio.create_subprocess_exec(sys.executable, "-c", "import time; time.sleep(600)")
    survivor, found = Identity.of(outlived.pid), terminal.recorded()
    assert survivor is not None
    sinks = found.parts["sinks"].model_copy(update={"pid": survivor.pid, "started": survivor.started})
    state.write(Folder(terminal.folder), found.model_copy(update={"parts": found.parts | {"sinks": sinks}}))
    code, _, err = await terminal.up("--only", "postgres,sinks")
    assert code == 0, err
    assert not survivor.alive
    assert (await terminal.status())[0] == 0
    await outlived.wait()


async def test_nothing_there_is_exit_three_and_wrong_words_exit_two(terminal: Terminal) -> None:
    assert (await terminal.run("status"))[0] == 3
    assert (await terminal.run("up", "--only", "mysql"))[0] == 2
    assert (await terminal.run("up", "--replicas", "3"))[0] == 2
    assert (await terminal.run("restart"))[0] == 3
    assert (await terminal.run("restart", "mysql"))[0] == 2
    assert (await terminal.run("parked", "list"))[0] == 3
    assert (await terminal.run("down"))[0] == 0
