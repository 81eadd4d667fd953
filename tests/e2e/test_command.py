"""`motcua demo` as a person types it."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from deploy.local.ports import OFFSETS, Ports, refuse_taken
from deploy.local.stack import Stack
from tests.clients import plain_client
from tests.e2e.years import FOLDER, PORT_BASE, connected
from tests.operating import command
from tests.unit.demo.test_report import KEYS


@asynccontextmanager
async def demo(*words: str, folder: Path = FOLDER, port_base: int = PORT_BASE) -> AsyncIterator[Process]:
    spelt = command(folder, "demo", "--port-base", str(port_base), *words)
    process = await asyncio.create_subprocess_exec(*spelt, stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
            await process.wait()


def all_ended(port_base: int = PORT_BASE) -> None:
    """Every port of the stack is free again."""
    refuse_taken(Ports.from_base(port_base), OFFSETS)


@pytest.mark.timeout(900)
async def test_it_prints_one_object_serves_on_and_ends_at_the_first_interrupt() -> None:
    """And the same seed gives the same report again, but for its seconds."""
    words = ("--dossiers", "30", "--open", "0", "--late", "3", "--days", "5", "--json")
    async with demo(*words) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = (await process.stderr.readline()).decode().strip()
        assert first == f"the board: http://127.0.0.1:{PORT_BASE + 4}/"
        found = json.loads(await process.stdout.readline())
        assert list(found) == KEYS
        assert (found["received"], found["resolved_late"], found["apologies_published"]) == (30, 3, 3)
        assert found["sources_agree"] is True
        told = await process.stderr.readuntil(b"serving on; Ctrl-C ends\n")
        assert "at the sinks: " in told.decode()
        async with plain_client() as client:
            board = await client.get(first.removeprefix("the board: "))
        assert board.status_code == 200
        process.send_signal(signal.SIGINT)
        rest, _ = await process.communicate()
        assert (process.returncode, rest) == (0, b"")
    all_ended()
    async with demo("--exit", *words) as process:
        out, _ = await process.communicate()
    assert json.loads(out) | {"seconds": 0} == found | {"seconds": 0}
    all_ended()


@pytest.mark.timeout(900)
async def test_whoever_ends_it_in_the_middle_leaves_nothing_behind() -> None:
    """SIGTERM, as a supervisor of machines sends it."""
    async with demo("--dossiers", "300", "--open", "0", "--days", "30", "--json") as process:
        assert process.stderr is not None
        await process.stderr.readuntil(b" acts\n")
        process.terminate()
        out, told = await process.communicate()
    assert (process.returncode, out) == (130, b""), told.decode()
    assert "interrupted" in told.decode()
    all_ended()


TAMPERED = {
    "metrics": """
        create function metrics.tampered() returns trigger language plpgsql as $$
        begin
            new.number := new.number + 1;
            return new;
        end
        $$;
        create trigger tampered before insert on metrics.daily_counters
            for each row when (new.figure = 'received') execute function metrics.tampered();
    """,
    "prometheus": """
        create function metrics.tampered() returns trigger language plpgsql as $$
        begin
            new.name := new.holder;
            return new;
        end
        $$;
        create trigger tampered before insert on metrics.export_leases
            for each row execute function metrics.tampered();
    """,
}
"""Witness that lies → what does it: the service counts a dossier too many; each of two processes holds a lease."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("liar", TAMPERED)
async def test_a_corrupted_counter_and_a_second_exporter_are_exit_one(liar: str) -> None:
    """The command is typed as ever; somebody tampers with its database before the first dossier."""
    words = ("--dossiers", "10", "--open", "0", "--days", "5", "--replicas", "2", "--exit", "--json")
    async with demo(*words) as process:
        assert process.stderr is not None
        told = await process.stderr.readuntil(b"starting sinks, ")  # all migrations have been applied
        async with connected(Stack(FOLDER, Ports.from_base(PORT_BASE))) as database:
            await database.execute(TAMPERED[liar])
        out, errors = await process.communicate()
    found = json.loads(out)
    lie, truth = (found["witnesses"][name]["received"] for name in (liar, "ledger"))
    assert (process.returncode, found["sources_agree"], truth) == (1, False, 10), (told + errors).decode()
    assert lie > truth, found["witnesses"]
    assert {one["received"] for name, one in found["witnesses"].items() if name in {"sql", "ledger"}} == {10}
    all_ended()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--open", "9470"), r"at most \d+"),
        (("--open", "0", "--late", "9470"), "--late 9470"),
        (("--share-closed", "1"), r"--share-closed \(\d+ \w+\): .* at most \d+"),
        (("--dossiers", "0"), "--dossiers"),
        (("--port-base", "70000"), "port"),
    ],
)
async def test_what_cannot_be_played_is_exit_two_and_says_why(words: tuple[str, ...], named: str) -> None:
    async with demo("--exit", *words) as process:
        out, errors = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert re.search(named, errors.decode())
