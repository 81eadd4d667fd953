"""Two years under fire that are the same year: the same figures, codes and facts, nothing lost or doubled."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.demo.courses import Detour
from deploy.demo.driver import Hook
from deploy.demo.ledger import digest_of
from deploy.demo.plan import YearPlan
from deploy.demo.report import COMPARED, Witness, YearReport
from deploy.local import kafka
from deploy.local.services import SERVICES, service_of
from deploy.local.stack import Stack
from shared.contracts import facts
from tests.e2e.conftest import SMALL, YearRunner, arrivals, came_out, connected
from tests.e2e.lies import corrupted, doubled
from tests.e2e.test_command import all_ended, demo
from tests.faults.signals import superseded
from tests.holding import held
from tests.operating import as_json
from tests.waiting import until

KILLS_OF_PROCESSING = (0.2, 0.5, 0.8)
"""At which shares of the facts that processing handles: one for each dossier."""
EARLIER = 0.05
"""Facts follow the filings: who waits for a share of the facts begins at fewer filings."""
KILLS_OF_OTHERS = {0.35: "intake", 0.65: "metrics"}
KAFKA_LOST = 0.85
SEED = 4
FILED_LATER = 5
"""Papers of two supplements, and three wishes to withdraw."""
SAME = (*COMPARED, "courses", "codes_sha256", "foreign", "sources_agree")
READERS_OF_NO_OUTCOMES = ("intake", "processing", "notification")
"""What a killed sender no longer knows is an outcome of its own: only metrics reads how many there are."""
CLUSTER = "meta.properties"
"""Names the cluster: Kafka formatted anew is another one."""

WALKED: Mapping[type[facts.Fact], int] = {
    facts.SupplementRequested: 2 + 1,
    facts.SupplementReceived: 2,
    facts.SupplementLimitReached: 1,
    facts.RefusedAfterLimit: 1,
    facts.PaymentDemanded: 1 + 1,
    facts.PaymentRecorded: 1,
    facts.PaymentLimitReached: 1,
    facts.ClockPaused: 1,
    facts.ClockResumed: 1,
    facts.StepReturned: 1,
    facts.DossierWithdrawn: 2,
    facts.DossierStopped: 1 + 1,
}

WAITING_BATCHES = """
select count(*) from pg_stat_activity
where application_name = 'motcua-processing' and wait_event = 'advisory' and query ilike '%insert into cases%'
"""


def last_of_a_batch(log: Path) -> str | None:
    """What processing told last of its batches."""
    lines = (json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{"))
    told = [line["event"] for line in lines if str(line["event"]).startswith("batch ")]
    return told[-1] if told else None


HANDLED = "select coalesce(sum(seq), 0)::bigint from processing.cursors"


@dataclass(frozen=True)
class Struck:
    """A kill of processing: at how many facts it came, its last word, and who was killed."""

    handled: int
    told: str | None
    pid: int


async def kill_inside_a_batch(stack: Stack, meant: float) -> Struck:
    """Once so many facts are handled, let the next batch that opens cases wait in its transaction; kill it there."""
    async with connected(stack) as holder, connected(stack) as watcher:

        async def enough() -> bool:
            return bool(await watcher.fetchval(HANDLED) >= meant)

        await until(enough, seconds=300)
        async with held(holder, "processing", "processing.cases", "before insert"):
            victim = stack.pid("processing")
            log = stack.folder.logs / "processing.log"

            async def batch_waits() -> bool:
                return bool(await watcher.fetchval(WAITING_BATCHES)) and last_of_a_batch(log) == "batch begun"

            await until(batch_waits)
            await stack.kill("processing")
            handled = await watcher.fetchval(HANDLED)
            told = last_of_a_batch(log)
    return Struck(handled, told, victim)


async def lose_all_that_kafka_holds(stack: Stack) -> int:
    """Kill the broker and take its data away; then do what the docs tell an operator. Answers the facts republished."""
    lost = stack.folder.kafka / "lost"
    (stack.folder.kafka / "data").rename(lost)
    await stack.kill("kafka")
    await asyncio.to_thread(kafka.prepare, stack.folder, stack.ports)
    await stack.wait_ready("kafka", seconds=120)
    assert (stack.folder.kafka / "data" / CLUSTER).read_text() != (lost / CLUSTER).read_text()
    await stack.provision()
    await asyncio.gather(*(superseded(stack, name) for name in SERVICES))
    rows = await as_json(stack, "republish", *(word for name in SERVICES for word in ("--from", name)))
    for name in SERVICES:
        await stack.wait_ready(name)
    return sum(row["facts"] for row in rows)


KINDS_OF_FACTS = "select type, count(*) from processing.journal group by type"
LATE = """
select code, limit_kind, apologised_at, promised_due, finished_at from processing.cases where finished_at > promised_due
"""


@dataclass
class Disturbed:
    """What struck the year, and what was seen of it beside its report."""

    inside: list[Struck] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    republished: int = 0
    report: YearReport | None = None
    arrivals: list[dict[str, Any]] = field(default_factory=list)
    late: list[asyncpg.Record] = field(default_factory=list)
    facts: Mapping[str, int] = field(default_factory=dict)
    lies: dict[str, Witness] = field(default_factory=dict)

    @property
    def told(self) -> YearReport:
        assert self.report is not None
        return self.report

    def strikes(self, stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def processing(share: float) -> None:
            self.inside.append(await kill_inside_a_batch(stack, share * SMALL.dossiers))

        async def another(name: str) -> None:
            self.others.append((await stack.kill(name)).pid)

        async def lost() -> None:
            async def over() -> bool:
                return len(self.inside) == len(KILLS_OF_PROCESSING)

            await until(over, seconds=300)
            self.republished = await lose_all_that_kafka_holds(stack)

        return {share - EARLIER: partial(processing, share) for share in KILLS_OF_PROCESSING} | {
            **{share: partial(another, name) for share, name in KILLS_OF_OTHERS.items()},
            KAFKA_LOST: lost,
        }

    async def look(self, stack: Stack) -> None:
        self.arrivals = arrivals(stack)
        async with connected(stack) as connection:
            self.late = await connection.fetch(LATE)
            self.facts = {row["type"]: row["count"] for row in await connection.fetch(KINDS_OF_FACTS)}
            self.lies["prometheus"] = await doubled(stack)
            self.lies["metrics"] = await corrupted(stack, connection)


@pytest.fixture(scope="module")
async def year(years: YearRunner) -> Disturbed:
    """Processing dies three times inside a batch, intake and metrics once each, and Kafka's data is gone for ever."""
    disturbed = Disturbed()
    disturbed.report = await years.play(SMALL, hooks=disturbed.strikes, after=disturbed.look, log_level="debug")
    return disturbed


@pytest.mark.timeout(1500)
async def test_a_year_while_services_are_killed_is_the_same_year(year: Disturbed, years: YearRunner) -> None:
    """Its figures are those that were asked for, and its codes those of a year that nothing disturbs."""
    assert [struck.told for struck in year.inside] == ["batch begun"] * len(KILLS_OF_PROCESSING)
    for share, struck in zip(KILLS_OF_PROCESSING, year.inside, strict=True):
        assert share <= struck.handled / SMALL.dossiers < share + 0.1
    killed = {struck.pid for struck in year.inside} | set(year.others)
    assert len(killed) == len(KILLS_OF_PROCESSING) + len(KILLS_OF_OTHERS)
    assert year.republished > SMALL.dossiers * (KAFKA_LOST - EARLIER)
    came_out(year.told, SMALL)
    assert year.told.codes_sha256 == digest_of(years.plan(SMALL).codes)
    assert year.told.events.consumed["processing"] == SMALL.dossiers + FILED_LATER


async def test_no_citizen_was_told_twice_nor_what_was_not_counted(year: Disturbed) -> None:
    assert not [line for line in year.arrivals if line["repeat"]]
    assert len({(line["kind"], line["to"], line["text"]) for line in year.arrivals}) == len(year.arrivals)
    assert len(year.arrivals) == year.told.notices.handed_over > 0


async def test_every_course_was_walked(year: Disturbed) -> None:
    """As many facts of each kind as dossiers took the course; a period that ends goes on at its step."""
    found = {kind.TYPE: year.facts.get(kind.TYPE, 0) for kind in WALKED}
    assert found == {kind.TYPE: number for kind, number in WALKED.items()}
    assert sum(year.told.courses.values()) == 10
    assert len(year.told.courses) == len(Detour)


async def test_each_late_one_is_apologised_for_first_and_finished_afterwards(year: Disturbed) -> None:
    assert len(year.late) == SMALL.late
    for row in year.late:
        assert row["apologised_at"] < row["promised_due"] < row["finished_at"], row["code"]
    assert {row["limit_kind"] for row in year.late} == {"same_day", "working_days", "calendar_days"}


@pytest.mark.parametrize(
    ("liar", "told"),
    [
        ("metrics", f"received: metrics {SMALL.dossiers + 1}, prometheus {SMALL.dossiers}, "),
        ("prometheus", f"received: metrics {SMALL.dossiers}, prometheus {SMALL.dossiers * 2}, "),
    ],
)
async def test_a_corrupted_counter_and_a_second_exporter_are_exit_one(year: Disturbed, liar: str, told: str) -> None:
    witnesses = tuple(year.lies[liar] if one.name == liar else one for one in year.told.witnesses)
    report = replace(year.told, witnesses=witnesses)
    assert report.exit_code == 1
    assert any(line.startswith(told) for line in report.disagreements)


@pytest.mark.timeout(1500)
async def test_a_year_of_chaos_is_the_same_year(year: Disturbed) -> None:
    """`motcua demo --chaos SEED` as it is typed, held against the year whose figures and codes are the plan's."""
    asked = {name.replace("_", "-"): str(value) for name, value in (asdict(SMALL) | {"chaos": SEED}).items()}
    words = [word for name, value in asked.items() for word in (f"--{name}", value)]
    async with demo("--exit", "--json", *words) as process:
        out, errors = await process.communicate()
    told = errors.decode()
    assert process.returncode == 0, told[-3000:]
    all_ended()
    found, expected = json.loads(out), year.told.as_json()
    assert {name: found[name] for name in SAME} == {name: expected[name] for name in SAME}
    assert found["notices"]["requested"] == expected["notices"]["requested"]
    for service in READERS_OF_NO_OUTCOMES:
        assert found["events"]["consumed"][service] == expected["events"]["consumed"][service], service
    chaos = found["chaos"]
    assert chaos["seed"] == SEED
    assert Counter(service_of(strike["part"]) for strike in chaos["strikes"] if strike["struck"]) == (
        dict.fromkeys(SERVICES, 2) | {"kafka": 1, "postgres": 1}
    )
    assert told.count(" killed, process ") == len(chaos["strikes"]) == 10
    assert f"chaos {SEED}: 10 of 10 strikes struck" in told
