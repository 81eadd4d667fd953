"""`python -m tests.faults.outage`: desks file at a rate while Kafka, then the database, is away for long.

Without Kafka every answer is 201, and officers go on acting on what they had; without the database it is 503 with
Retry-After. What was acknowledged must be there afterwards, published once and each dossier's facts in their order;
nothing else may be. It prints what it saw; exit 1 when something does not hold, the rate too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import cache

import asyncpg

from deploy.demo.offices import Officer, dossier_body
from deploy.demo.play import Stage
from deploy.demo.quiet import READERS
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.contracts.topics import LIFECYCLE
from shared.http.wire import ConnectionLost, Wire
from tests.faults.__main__ import say
from tests.faults.signals import DidNotStrike
from tests.faults.town import act_on, arrivals_of
from tests.faults.trial import FIRST_MORNING, PORT_BASE, ROOT, end_for_good
from tests.topics import records_of

FOLDER = ROOT / "var" / "outage"
CLIENTS = 100
EXPECTED = {"kafka": 201, "postgres": 503}
"""Without which server each filing is answered what."""
KEPT_RATE = 0.95
"""Share of the rate asked for that desks must have reached."""
ON_THE_DESKS, ACTS = 100, 4
"""Dossiers that officers already have when Kafka goes away, and how often they act on each meanwhile."""

Report = list[str]
"""What does not hold, in words."""


@dataclass
class Heard:
    """What the desks were answered, 0 for no answer, and how often a 503 lacked Retry-After."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0

    def in_words(self) -> str:
        """Say it in one line."""
        asked = self.statuses.total()
        told = ", ".join(f"{count} × {status}" for status, count in sorted(self.statuses.items()))
        return f"{asked} requests in {self.seconds:.0f} s, {asked / self.seconds:.0f} a second: {told}"


class Desks:
    """Clients of all places that file at a rate, whatever they are answered."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._token = cache(lambda place: stack.token("desk", place, f"desk.{place}"))
        self._wire = Wire("127.0.0.1", stack.ports.of("intake"), connections=CLIENTS, timeout_seconds=30.0)
        self._arrivals = arrivals_of(seed=1)
        self.acknowledged: list[str] = []

    def close(self) -> None:
        """Close every connection."""
        self._wire.close()

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
            answer = await self._wire.request("POST", "/v1/dossiers", headers, body)
        except ConnectionLost:
            heard.statuses[0] += 1
            return
        heard.statuses[answer.status] += 1
        if answer.status == 201:
            self.acknowledged.append(answer.json()["code"])
        elif answer.status == 503 and "retry-after" not in answer.headers:
            heard.without_retry_after += 1


@contextlib.asynccontextmanager
async def away(stack: Stack, name: str) -> AsyncIterator[None]:
    """End a server politely, keep it from being started, and start it again at the end."""
    part = await end_for_good(stack, name)
    try:
        yield
    finally:
        await stack._supervisor.start([part])


async def outage(stack: Stack, desks: Desks, server: str, rate: float, seconds: float) -> tuple[Heard, Report]:
    """Let desks file while a server is away; answer what they heard, and what of it does not hold afterwards."""
    before = len(desks.acknowledged)
    if server == "kafka":
        await desks.file(rate, ON_THE_DESKS / rate)
        await drained(stack)
    known, acts = desks.acknowledged[before:], 0
    async with away(stack, server):
        filing = asyncio.create_task(desks.file(rate, seconds))
        if known:
            acts = await desks.act(known)
            say(f"    officers acted {acts} times meanwhile")
        heard = await filing
    began = time.monotonic()
    await drained(stack)
    say(f"    drained after {time.monotonic() - began:.0f} s")
    report = judge(server, heard, rate)
    if known and not acts:
        raise DidNotStrike("nobody acted without Kafka")
    report += await against_the_tables(stack, desks.acknowledged)
    report += await against_the_topic(stack, desks.acknowledged)
    return heard, report


def judge(server: str, heard: Heard, rate: float) -> Report:
    """Without Kafka everything is accepted; without the database nothing, and each is asked to come again."""
    expected = EXPECTED[server]
    found = [f"{count} answers {status}" for status, count in heard.statuses.items() if status != expected]
    if heard.without_retry_after:
        found.append(f"{heard.without_retry_after} answers 503 without Retry-After")
    if not heard.statuses:
        raise DidNotStrike("nothing was filed")
    if (reached := heard.statuses.total() / heard.seconds) < KEPT_RATE * rate:
        found.append(f"desks asked {reached:.0f} times a second, {rate:.0f} were wanted")
    return found


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


async def against_the_tables(stack: Stack, codes: list[str]) -> Report:
    """Hold what was acknowledged against what intake and processing have."""
    report = []
    connection = await asyncpg.connect(stack.dsn())
    try:
        for table in ("intake.dossiers", "processing.cases"):
            there = [row["code"] for row in await connection.fetch(f"select code from {table}")]
            report += _compare(table, codes, there)
    finally:
        await connection.close()
    return report


async def against_the_topic(stack: Stack, codes: list[str]) -> Report:
    """Read the lifecycle raw: each dossier was published, and once; the facts of each came in their order."""
    seqs: dict[tuple[str, str], list[int]] = defaultdict(list)
    async for record in records_of(f"127.0.0.1:{stack.ports.kafka}", LIFECYCLE.name, LIFECYCLE.partitions):
        said = dict(record.headers)
        seqs[said["ce_subject"].decode(), said["ce_source"].decode()].append(int(said["ce_sequence"]))
    disordered = [stream for stream, found in seqs.items() if found != list(range(1, len(found) + 1))]
    report = [f"the facts of {subject} by {source} came doubled or out of order" for subject, source in disordered[:9]]
    return report + _compare("the topic", codes, [subject for subject, source in seqs if source == "intake"])


def _compare(where: str, acknowledged: list[str], there: list[str]) -> Report:
    found = []
    if lost := set(acknowledged) - set(there):
        found.append(f"{where} lacks {len(lost)} acknowledged dossiers: {', '.join(sorted(lost)[:3])} …")
    if foreign := set(there) - set(acknowledged):
        found.append(f"{where} has {len(foreign)} that nobody was told of: {', '.join(sorted(foreign)[:3])} …")
    if len(there) != len(set(there)):
        found.append(f"{where} has {len(there) - len(set(there))} twice")
    return found


async def run(servers: list[str], rate: float, seconds: float) -> int:
    """Take each server away in turn; answers how many times something did not hold."""
    broken = 0
    ports = Ports.from_base(PORT_BASE)
    async with Stack(FOLDER, ports, fresh=True, scenario=FIRST_MORNING, told=say, log_level="warning") as stack:
        with contextlib.closing(Desks(stack)) as desks:
            for server in servers:
                say(f"{server} away for {seconds:.0f} s, {rate:.0f} dossiers a second")
                heard, report = await outage(stack, desks, server, rate, seconds)
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
    asked = parser.parse_args()
    return asyncio.run(run(asked.without or list(EXPECTED), asked.rate, asked.seconds))


if __name__ == "__main__":
    sys.exit(main())
