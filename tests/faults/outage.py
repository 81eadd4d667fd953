"""`python -m tests.faults.outage`: desks file at a rate while Kafka, then the database, is away for long.

Without Kafka every answer is 201, and officers go on acting on what they had; without the database it is 503 with
Retry-After. What was acknowledged must be there afterwards, each dossier's facts published in their order, and counted
once; nothing else may be. It prints what it saw; exit 1 when something does not hold, the rate too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle

import asyncpg

from deploy.demo.offices import Officer, dossier_body
from deploy.demo.play import Stage
from deploy.demo.quiet import READERS
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.contracts.topics import LIFECYCLE
from shared.http.wire import ConnectionLost, Wire
from tests.faults.__main__ import say
from tests.faults.acknowledged import (
    EXPECTED,
    Heard,
    Placed,
    Report,
    judge_answers,
    judge_figure,
    judge_rate,
    judge_table,
    judge_topic,
)
from tests.faults.signals import DidNotStrike
from tests.faults.town import act_on, arrivals_of
from tests.faults.trial import FIRST_MORNING, PORT_BASE, ROOT, end_for_good
from tests.topics import records_of

FOLDER = ROOT / "var" / "outage"
CLIENTS = 100
ACTS = 4
"""How often officers act on each dossier that they already have when Kafka goes away."""
TABLES = {
    "intake.dossiers": "select code from intake.dossiers",
    "processing.cases": "select code from processing.cases",
    "metrics.dossiers": "select code from metrics.dossiers where accepted_at is not null",
}
RECEIVED = "select coalesce(sum(number), 0)::bigint as number from metrics.daily_counters where figure = 'received'"
UNSENT = "select from intake.unsent limit 1"


@dataclass(frozen=True)
class Measure:
    """How many dossiers a second desks file while a server is away, and for how long.

    `on_the_desks`: how many officers already have when Kafka goes away.
    """

    rate: float
    seconds: float
    on_the_desks: int = 100


class Desks:
    """Clients of all places that file at a rate, whatever they are answered."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._token = cache(lambda place: stack.token("desk", place, f"desk.{place}"))
        self._wires = [
            Wire("127.0.0.1", stack.ports.of(part), connections=CLIENTS, timeout_seconds=30.0)
            for part in stack.processes("intake")
        ]
        self._in_turn = cycle(self._wires)
        self._arrivals = arrivals_of(seed=1)
        self.acknowledged: list[str] = []

    def close(self) -> None:
        """Close every connection."""
        for wire in self._wires:
            wire.close()

    async def act(self, codes: Sequence[str]) -> int:
        """Let officers act on these dossiers, so often on each; answers how many acts were done."""
        with contextlib.closing(Stage(self._stack, seed=1)) as stage:
            desks = sorted({Officer(code.partition("-")[0], "desk") for code in codes})
            lists = [await stage.offices.worklist(desk) for desk in desks]
            items = [item for found in lists for item in found if item.code in codes]
            acting = (act_on(stage.offices, item, item.duties[0], ACTS) for item in items)
            after = [item for item, _ in await asyncio.gather(*acting)]
        return sum(item.version for item in after) - sum(item.version for item in items)  # each act makes a version

    async def file(self, rate: float, seconds: float) -> Heard:
        """File `rate` dossiers a second for so long; a client that is late files at once."""
        heard, began = Heard(), time.monotonic()
        due = iter(range(int(rate * seconds)))

        async def client() -> None:
            for number in due:
                await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
                await self._ask(heard)

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
        heard.seconds = time.monotonic() - began
        return heard

    async def _ask(self, heard: Heard) -> None:
        arrival = next(self._arrivals)
        place = arrival.place.code
        headers = {
            "authorization": f"Bearer {self._token(place)}",
            "idempotency-key": f"outage-{arrival.number}",
            "content-type": "application/json",
        }
        body = json.dumps(dossier_body(arrival)).encode()
        try:
            answer = await next(self._in_turn).request("POST", "/v1/dossiers", headers, body)
        except ConnectionLost:
            heard.statuses[0] += 1
            return
        heard.statuses[answer.status] += 1
        if answer.status == 201:
            self.acknowledged.append(answer.json()["code"])
        elif answer.status == 503 and "retry-after" not in answer.headers:
            heard.without_retry_after += 1


@contextlib.asynccontextmanager
async def away(stack: Stack, name: str, how: signal.Signals | None = None) -> AsyncIterator[None]:
    """End a server, politely unless told how, keep it from being started, and start it again at the end."""
    part = await end_for_good(stack, name, how)
    try:
        yield
    finally:
        await stack._supervisor.start([part])


async def outage(stack: Stack, desks: Desks, server: str, measure: Measure) -> tuple[Heard, Report]:
    """Let desks file while a server is away; answer what they heard, and what of it does not hold afterwards.

    The dossiers of `desks` must be all that the stack has.
    """
    before = len(desks.acknowledged)
    if server == "kafka":
        await desks.file(measure.rate, measure.on_the_desks / measure.rate)
        await drained(stack)
    known, acts = desks.acknowledged[before:], 0
    async with away(stack, server):
        filing = asyncio.create_task(desks.file(measure.rate, measure.seconds))
        if known:
            acts = await desks.act(known)
            say(f"    officers acted {acts} times meanwhile")
        heard = await filing
        if server == "kafka" and not (acts and await asked(stack, UNSENT)):
            raise DidNotStrike("nobody acted without Kafka, or nothing waited for it")
    began = time.monotonic()
    await drained(stack)
    say(f"    drained after {time.monotonic() - began:.0f} s")
    report = judge_answers(server, heard)
    for table, query in TABLES.items():
        report += judge_table(table, desks.acknowledged, [row["code"] for row in await asked(stack, query)])
    (received,) = await asked(stack, RECEIVED)
    report += judge_figure("received", desks.acknowledged, received["number"])
    records = await published(stack)
    say(f"    {len(records) - len(set(records))} of {len(records)} records came again")
    return heard, report + judge_topic(desks.acknowledged, records)


async def drained(stack: Stack) -> None:
    """Wait until every fact about dossiers is published and applied by all its readers; its progress is told."""
    with contextlib.closing(Stage(stack, seed=1)) as stage:
        while True:
            figures = await stage.watch.figures()
            behind = {
                f"{service} of {source}": figures.journaled(source, topic) - figures.applied(service, source, topic)
                for service, sources in READERS.items()
                for source, topic in sources
                if topic == LIFECYCLE.name
            }
            unsent = {name: found["unsent"] for name, found in figures.by_service.items() if found["unsent"]}
            if not any(behind.values()) and not unsent.keys() & {"intake", "processing"}:
                return
            say(f"    unsent {unsent}, behind { {name: lag for name, lag in behind.items() if lag} }")
            await asyncio.sleep(2)  # between two lines of progress


async def asked(stack: Stack, query: str) -> list[asyncpg.Record]:
    """Ask the database, as the superuser."""
    connection = await asyncpg.connect(stack.dsn())
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


async def published(stack: Stack) -> list[Placed]:
    """Read the lifecycle raw."""
    found = []
    async for record in records_of(stack.kafka_login(), LIFECYCLE.name, LIFECYCLE.partitions):
        said = {name: value.decode() for name, value in record.headers}
        found.append((said["ce_subject"], said["ce_source"], int(said["ce_sequence"]), said["ce_id"]))
    return found


async def run(servers: list[str], measure: Measure, replicas: int) -> int:
    """Take each server away in turn from so many processes of each service; answers how often something broke."""
    broken = 0
    ports, more = Ports.from_base(PORT_BASE), {"replicas": replicas, "log_level": "warning"}
    async with Stack(FOLDER, ports, fresh=True, scenario=FIRST_MORNING, told=say, **more) as stack:
        with contextlib.closing(Desks(stack)) as desks:
            for server in servers:
                say(f"{server} away for {measure.seconds:.0f} s, {measure.rate:.0f} dossiers a second")
                heard, report = await outage(stack, desks, server, measure)
                report += judge_rate(heard, measure.rate)
                say(f"    {heard.in_words()}")
                for fault in report:
                    say(f"    {fault}")
                broken += bool(report)
    return broken


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.outage", description=__doc__)
    parser.add_argument("--without", choices=tuple(EXPECTED), action="append", help="both when none is named")
    parser.add_argument("--rate", type=float, default=300)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--replicas", type=int, choices=(1, 2), default=2, help="processes of each service")
    typed = parser.parse_args()
    return asyncio.run(run(typed.without or list(EXPECTED), Measure(typed.rate, typed.seconds), typed.replicas))


if __name__ == "__main__":
    sys.exit(main())
