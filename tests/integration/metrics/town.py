"""A town whose facts are made up here: real journals, relays, Kafka and PostgreSQL, and metrics as real processes."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.stack import Stack
from shared.clocks import write_scenario
from shared.contracts import facts
from shared.contracts.topics import LIFECYCLE, OUTCOMES
from shared.database import Pool, transaction
from shared.messaging.journal import Draft, Journal, shard_of
from tests.clients import plain_client
from tests.integration.metrics.ledger import Known
from tests.waiting import until


class MetricsProcess:
    """One `python -m services.metrics` on a port of its own."""

    def __init__(self, stack: Stack, port: int, changed: Mapping[str, str] | None = None) -> None:
        self.port, self.url = port, f"http://127.0.0.1:{port}"
        self._log = (stack.folder.path / f"metrics-{port}.log").open("ab")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "services.metrics"],
            env={
                **stack.environment("metrics"),
                "MOTCUA_HTTP__PORT": str(port),
                "MOTCUA_KAFKA__INSTANCE": f"metrics-{port}",
                "PYTHONPATH": str(Path.cwd()),
                **(changed or {}),
            },
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self.client = plain_client(base_url=self.url, timeout=10)

    async def ready(self) -> bool:
        assert self._process.poll() is None, f"metrics ended with {self._process.returncode}"
        try:
            return (await self.client.get("/readyz")).status_code == HTTPStatus.OK
        except httpx2.TransportError:
            return False

    async def samples(self) -> dict[str, Counter[tuple[str, ...]]]:
        """Name → label values in the order of their labels' names → value."""
        found: dict[str, Counter[tuple[str, ...]]] = {}
        for family in text_string_to_metric_families((await self.client.get("/metrics")).text):
            for sample in family.samples:
                labels = tuple(text for _, text in sorted(sample.labels.items()))
                found.setdefault(sample.name, Counter())[labels] += sample.value
        return found

    async def end(self, by: signal.Signals = signal.SIGTERM) -> int:
        await self.client.aclose()
        self._process.send_signal(by)
        code = await asyncio.to_thread(self._process.wait, 30)
        self._log.close()
        return code


@dataclass
class Town:
    """What the tests drive: who publishes, the clock, and the ledger of what was published."""

    stack: Stack
    pools: Mapping[str, Pool]
    journals: Mapping[str, Journal]
    versions: Mapping[str, str]
    processes: list[MetricsProcess] = field(default_factory=list)
    known: Known = field(default_factory=Known)

    async def end(self) -> None:
        """End every process of metrics; each leaves with 0."""
        assert [await process.end() for process in self.processes] == [0] * len(self.processes)

    @property
    def client(self) -> httpx2.AsyncClient:
        return self.processes[0].client

    async def publish(self, source: str, *drafts: Draft) -> None:
        async with transaction(self.pools[source]) as tx:
            await self.journals[source].append(tx, drafts)

    async def accept(
        self, code: str, at: datetime, due: datetime, of_field: str = "land", backdating: facts.Backdating | None = None
    ) -> None:
        place = code.partition("-")[0]
        fact = facts.DossierAccepted(
            catalogue_version=self.versions["catalogue"],
            calendar_version=self.versions["calendar"],
            agencies_version=self.versions["agencies"],
            procedure_code="1.000656",
            case_code="default",
            field=of_field,
            received_by=place,
            received_path="90." + ".".join(place.split(".")[1:]) + ".",
            competent_agency="H56.97.02",
            competent_path="90.97.02.",
            area_code="16093",
            limit_kind="working_days",
            statutory_due=due,
            promised_due=due,
            tracking_secret_hash="0" * 64,
            backdating=backdating,
        )
        if backdating is not None:
            self.known.backdated.add(code)
        self.known.accepted[code] = (at, due, of_field)
        await self.publish("intake", Draft(LIFECYCLE.name, code, fact, at))

    async def act(self, code: str, fact: facts.Fact, at: datetime) -> None:
        if isinstance(fact, facts.ResultReady):
            self.known.finished[code] = at
        if isinstance(fact, facts.ResultReopened):
            self.known.reopen(code)
        if isinstance(fact, facts.DossierApologised):
            self.known.apologised[code] = at
        if isinstance(fact, facts.PausingFact | facts.ResumingFact | facts.BecameOverdue):
            self.known.due[code] = fact.promised_due
        if isinstance(fact, facts.SupplementRequested):
            self.known.repeated += [code] * (fact.number > 1)
        if isinstance(fact, facts.RefusedAfterLimit | facts.DossierWithdrawn | facts.DossierStopped):
            self.known.closed.add(code)
        await self.publish("processing", Draft(LIFECYCLE.name, code, fact, at))

    async def tell(self, code: str, fact: facts.NoticeFact, at: datetime) -> None:
        self.known.notices.append((code, fact.channel.value, fact.TYPE.split(".")[3]))
        await self.publish("notification", Draft(OUTCOMES.name, code, fact, at))

    async def publish_again(self, source: str) -> int:
        """Put every fact of a journal's dossiers back in the relay's queue."""
        async with transaction(self.pools[source]) as tx:
            rows = await tx.fetch("select topic, subject, seq, recorded_at from journal where subject like 'H56.%'")
            await tx.executemany(
                "insert into unsent (shard, topic, subject, seq, recorded_at) values ($1, $2, $3, $4, $5)",
                [(shard_of(row["subject"]), *row.values()) for row in rows],
            )
            self.journals[source].appended.set()
        return len(rows)

    async def settled(self) -> None:
        """Wait until metrics has applied every fact that was journaled."""

        async def is_settled() -> bool:
            for source, pool in self.pools.items():
                if await pool.fetchval("select count(*) from unsent"):
                    return False
                for row in await pool.fetch("select topic, sum(seq)::bigint as facts from journal_heads group by 1"):
                    if row["topic"] not in {LIFECYCLE.name, OUTCOMES.name}:
                        continue
                    if (await self.quiet())["applied"].get(f"{source}/{row['topic']}") != row["facts"]:
                        return False
            return True

        await until(is_settled, "metrics applies everything")

    async def quiet(self) -> dict[str, Any]:
        answer = await self.client.get(
            "/internal/v1/quiet", headers={"Authorization": f"Bearer {self.stack.token('operator')}"}
        )
        assert answer.status_code == HTTPStatus.OK, answer.text
        return dict(answer.json())

    async def report(self, agency: str = "H56.97", **asked: str) -> dict[str, Any]:
        answer = await self.client.get("/v1/reports/district", params={"agency": agency, **asked})
        assert answer.status_code == HTTPStatus.OK, answer.text
        return dict(answer.json())

    async def figures_now(self) -> dict[str, Counter[tuple[str, ...]]]:
        """The domain figures of the process that exports them, read after this call began."""
        asked_at = time.time()

        async def fresh() -> dict[str, Counter[tuple[str, ...]]] | None:
            for process in self.processes:
                found = await process.samples()
                if found.get("motcua_domain_figures_read_timestamp_seconds", Counter())[()] >= asked_at:
                    return found
            return None

        return await until(fresh, "fresh domain figures")

    def set_clock(self, moment: datetime) -> None:
        assert self.stack.scenario_file is not None
        write_scenario(self.stack.scenario_file, moment)
