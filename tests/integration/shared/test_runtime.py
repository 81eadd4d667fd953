"""One real process: how it starts without its database, how it ends when told, and when a loop dies."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import httpx2
import pytest

from tests.integration.shared.running import PORT, process, started


async def test_it_starts_without_its_database_says_so_and_ends_politely(tmp_path: Path) -> None:
    async with process("lets go", tmp_path) as (running, http):
        await started(running)
        assert (await http.get("/livez")).status_code == 200
        ready = await http.get("/readyz")
        assert ready.status_code == 503
        assert ready.json()["reasons"].keys() == {"database"}
        in_flight = asyncio.create_task(http.get("/slow"))
        await http.get("/begun")
        running.send_signal(signal.SIGTERM)
        assert running.stdout is not None
        async for line in running.stdout:
            if json.loads(line)["event"] == "ending":
                break
        (tmp_path / "go on").touch()
        answer = await in_flight
        assert answer.json() == {"answer": "whole"}
        async with asyncio.timeout(20):
            rest, errors = await running.communicate()
        assert running.returncode == 0, errors
        assert json.loads(rest.splitlines()[-1])["event"] == "ended"


@pytest.mark.parametrize(
    ("how", "error"), [("dies", "RuntimeError"), ("comes back", "LoopEnded"), ("is cancelled", "LoopEnded")]
)
async def test_a_loop_that_ends_by_itself_ends_the_process(tmp_path: Path, how: str, error: str) -> None:
    async with process(how, tmp_path) as (running, http):
        await started(running)
        (cut_off,) = await asyncio.gather(http.get("/slow", timeout=15), return_exceptions=True)
        assert isinstance(cut_off, httpx2.TransportError) or cut_off.status_code == 500
        async with asyncio.timeout(40):
            said, _ = await running.communicate()
        assert running.returncode == 1
        last = json.loads(said.splitlines()[-1])
        assert last["event"] == "process_failed"
        assert any(line.startswith(error) for line in last["error.stack"])


@pytest.mark.parametrize(("how", "livez"), [("turns", 200), ("freezes", 503)])
async def test_a_loop_that_stands_still_ends_livez_and_one_that_cannot_work_leaves_readyz_alone(
    tmp_path: Path, how: str, livez: int
) -> None:
    async with process(how, tmp_path) as (running, http):
        await started(running)
        assert (await http.get("/livez")).status_code == 200
        assert (await http.get("/readyz")).json()["reasons"].keys() == {"database"}
        await http.get("/freeze")
        alive = await http.get("/livez")
        assert alive.status_code == livez
        assert alive.json()["reasons"].keys() == ({how} if livez == 503 else set())
        assert (await http.get("/readyz")).json()["reasons"].keys() == {"database"}


async def test_a_taken_port_is_named(tmp_path: Path) -> None:
    async with process("keeps", tmp_path) as (first, _):
        await started(first)
        async with process("keeps", tmp_path) as (second, _):
            said, _errors = await second.communicate()
            assert second.returncode == 1
            line = json.loads(said)
            assert (line["event"], line["port"]) == ("port_taken", PORT)


async def test_bad_settings_are_exit_78(tmp_path: Path) -> None:
    async with process("keeps", tmp_path, MOTCUA_HTTP__PORT="no", MOTCUA_PROFILE="production") as (running, _):
        _, errors = await running.communicate()
        assert running.returncode == 78
        assert b"MOTCUA_HTTP__PORT" in errors
