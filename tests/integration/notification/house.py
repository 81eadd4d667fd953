"""Intake and processing made up here (journals, relays, keyring); sinks and notification as real processes."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
from prometheus_client.parser import text_string_to_metric_families

from deploy.local.services import RECEIPTS_SECRET, SMS_SECRET
from deploy.local.sinks.logbook import LOG_NAME, SALT_NAME, Kind, read_arrivals
from deploy.local.stack import Stack
from services.notification.handlers.outcomes import message_id
from shared.clocks import machine_now
from shared.contracts import facts
from shared.contracts.facts import Channel, Language
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES, Topic
from shared.database import Pool, transaction
from shared.keyring.repository import add_keys
from shared.messaging.envelope import Received, decode, parse
from shared.messaging.journal import Draft, Journal, shard_of
from shared.sealing import Contact, KeyEncryptionKey, Purpose, associated_data, new_data_key, seal
from tests.clients import plain_client
from tests.topics import records_of
from tests.waiting import until

ROOT = Path(__file__).parents[3]
LEASE_SECONDS = "MOTCUA_NOTICES__LEASE_SECONDS"
FAST = {
    "MOTCUA_SMS__TIMEOUT_SECONDS": "1.2",
    "MOTCUA_MAIL__TIMEOUT_SECONDS": "1.2",
    "MOTCUA_ZALO__TIMEOUT_SECONDS": "1.2",
    LEASE_SECONDS: "9.6",
}
"""Settings of the service under test, so that what waits for a timeout or a lease waits little."""


class Process:
    """One process of ours that can be killed and started again."""

    def __init__(self, command: Sequence[str], log: Path, ready_url: str) -> None:
        self._command, self._log, self._ready_url = command, log, ready_url
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self, environment: Mapping[str, str]) -> None:
        self._process = self._spawn(environment)
        await until(self._ready, f"{self._command[2]} is ready")

    def _spawn(self, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command, env=dict(environment), stdout=log, stderr=log, cwd=ROOT)

    async def _ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()[-2000:]
        try:
            async with plain_client(timeout=2) as client:
                return (await client.get(self._ready_url)).status_code == HTTPStatus.OK
        except httpx2.TransportError:
            return False

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int | None:
        if self._process is None:
            return None
        self._process.send_signal(how)
        return await asyncio.to_thread(self._process.wait, 30)


@dataclass(frozen=True)
class Person:
    """Whom we tell, in clear."""

    phone: str | None = "+84977123456"
    email: str | None = None
    secret: str = "s3cret-of-128-bits-xyz"
    language: Language = Language.VI
    by_zalo: bool = False

    @property
    def channels(self) -> tuple[Channel, ...]:
        """By Zalo instead of SMS, where he wants that."""
        given = {Channel.ZALO if self.by_zalo else Channel.SMS: self.phone, Channel.EMAIL: self.email}
        return tuple(channel for channel, to in given.items() if to)


@dataclass
class House:
    """What the tests drive."""

    stack: Stack
    pools: Mapping[str, Pool]
    journals: Mapping[str, Journal]
    versions: Mapping[str, str]
    kek: KeyEncryptionKey
    begin: datetime
    sinks: Process
    service: Process
    client: httpx2.AsyncClient
    numbers: dict[str, int] = field(default_factory=dict)

    async def restart(self, how: signal.Signals = signal.SIGTERM, **settings: str) -> None:
        await self.service.end(how)
        await self.start_service(**settings)

    async def start_service(self, **settings: str) -> None:
        await self.service.start(self.environment | settings)

    @property
    def environment(self) -> dict[str, str]:
        return self.stack.environment("notification") | FAST

    async def start_sinks(self) -> None:
        await self.sinks.start(dict(os.environ))

    def new_code(self) -> str:
        self.numbers["last"] = self.numbers.get("last", 0) + 1
        return f"H56.97.21-200302-{self.numbers['last']:04}"

    async def publish(self, source: str, *drafts: Draft) -> list[UUID]:
        async with transaction(self.pools[source]) as tx:
            return [entry.id for entry in await self.journals[source].append(tx, drafts)]

    async def accept(self, person: Person | None, code: str | None = None) -> tuple[str, UUID]:
        """One accepted dossier; its contact is stated too unless there is no person yet."""
        code = code or self.new_code()
        fact = facts.DossierAccepted(
            catalogue_version=self.versions["catalogue"],
            calendar_version=self.versions["calendar"],
            agencies_version=self.versions["agencies"],
            procedure_code="1.012753",
            case_code="default",
            field="land",
            received_by="H56.97.21",
            received_path="90.97.21.",
            competent_agency="H56.97.02",
            competent_path="90.97.02.",
            area_code="16093",
            limit_kind="working_days",
            statutory_due=self.begin + timedelta(days=20),
            promised_due=self.begin + timedelta(days=7),
            tracking_secret_hash="0" * 64,
        )
        [fact_id] = await self.publish("intake", Draft(LIFECYCLE.name, code, fact, self.begin))
        if person is not None:
            await self.state_contact(code, person)
        return code, fact_id

    async def state_contact(self, code: str, person: Person) -> None:
        key = new_data_key()
        contact = Contact(phone=person.phone, email=person.email, tracking_secret=person.secret)
        sealed = seal(key, contact.model_dump_json().encode(), associated_data(code, Purpose.CONTACT))
        fact = facts.ContactStated(
            language=person.language, channels=person.channels, sealed=base64.b64encode(sealed).decode()
        )
        async with transaction(self.pools["intake"]) as tx:
            wrapped = self.kek.wrap_key(key)
            await add_keys(tx, [(code, wrapped)], key_id=self.kek.id, created_at=machine_now())
            await self.journals["intake"].append(tx, [Draft(CONTACTS.name, code, fact, self.begin)])

    async def finish(self, code: str) -> UUID:
        """The result is ready: a notice that is sent at most once."""
        versions = {"catalogue_version": self.versions["catalogue"], "calendar_version": self.versions["calendar"]}
        fact = facts.ResultReady(**versions, state=facts.State.READY, step_no=4, agency="H56.97.21", officer="o")
        [fact_id] = await self.publish("processing", Draft(LIFECYCLE.name, code, fact, self.begin))
        return fact_id

    async def erase(self, code: str) -> None:
        async with transaction(self.pools["intake"]) as tx:
            await tx.execute("delete from keyring.dossier_keys where code = $1", code)

    def headers(self, role: str = "leader", agency: str = "H56.97.21") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.stack.token(role, agency=agency)}"}

    async def told(self, code: str) -> list[dict[str, Any]]:
        answer = await self.client.get(f"/v1/dossiers/{code}/notices", headers=self.headers())
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return []
        assert answer.status_code == HTTPStatus.OK, answer.text
        return list(answer.json()["items"])

    async def message(
        self, code: str, *states: str, template: str = "accepted", channel: str | None = "sms"
    ) -> dict[str, Any]:
        """Wait until the message of a template is in one of the states."""

        async def holds() -> dict[str, Any] | None:
            for item in await self.told(code):
                if (item["template"], item["channel"]) == (template, channel) and item["state"] in states:
                    return item
            return None

        return await until(holds, f"{template} by {channel} is {' or '.join(states)}")

    def arrivals(self, fact_id: UUID, channel: Channel = Channel.SMS) -> list[dict[str, Any]]:
        """What the sink saw of one message, in order."""
        reference = str(message_id(fact_id, channel))
        log = self.sink_folder / LOG_NAME
        return [line for line in read_arrivals(log) if line["reference"] == reference] if log.exists() else []

    async def arrived(self, fact_id: UUID, channel: Channel = Channel.SMS) -> list[dict[str, Any]]:
        async def holds() -> list[dict[str, Any]]:
            return self.arrivals(fact_id, channel)

        return await until(holds, "the sink has it")

    @property
    def sink_folder(self) -> Path:
        return self.stack.folder.path / "sinks"

    @property
    def salt(self) -> bytes:
        return (self.sink_folder / SALT_NAME).read_bytes()

    async def conduct(self, kind: Kind, conduct: str, times: int = 1) -> None:
        async with plain_client() as client:
            token = (self.stack.folder.secrets / SMS_SECRET).read_text().strip()
            answer = await client.post(
                f"http://127.0.0.1:{self.stack.ports.sms}/v1/conduct",
                json={"sink": kind, "conduct": conduct, "times": times},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == HTTPStatus.OK, answer.text

    async def post_receipts(
        self, *receipts: tuple[str, str], token: str | None = None, path: str = "sms"
    ) -> httpx2.Response:
        token = token or (self.stack.folder.secrets / RECEIPTS_SECRET).read_text().strip()
        body = [{"reference": ref, "status": status, "at": machine_now().isoformat()} for ref, status in receipts]
        return await self.client.post(
            f"/v1/receipts/{path}", json={"receipts": body}, headers={"Authorization": f"Bearer {token}"}
        )

    async def outcomes(self, code: str, count: int) -> list[str]:
        """The outcome facts of a dossier as they stand in the topic, as soon as there are `count`."""

        async def holds() -> list[Received] | None:
            found = [fact for fact in await self.topic(OUTCOMES) if fact.subject == code]
            return found if len(found) >= count else None

        found = await until(holds, f"{count} outcomes of {code}")
        assert [fact.seq for fact in found] == list(range(1, len(found) + 1))
        return [fact.type.split(".")[3] for fact in found]

    async def topic(self, topic: Topic) -> list[Received]:
        return [parse(decode(record)) for record in await self.records(topic)]

    async def records(self, topic: Topic) -> list[Any]:
        """Everything in a topic now."""
        kafka = self.stack.kafka_login()
        return [record async for record in records_of(kafka, topic.name, topic.partitions)]

    async def quiet(self) -> dict[str, Any]:
        answer = await self.client.get("/internal/v1/quiet", headers=self.headers("operator", ""))
        assert answer.status_code == HTTPStatus.OK, answer.text
        return dict(answer.json())

    async def settled(self) -> None:
        """Wait until notification has applied all that was journaled and nothing waits in it."""

        async def holds() -> bool:
            quiet = await self.quiet()
            if quiet["messages_waiting"] or quiet["unsent"]:
                return False
            for source in ("intake", "processing"):
                if await self.pools[source].fetchval("select count(*) from unsent"):
                    return False
                for row in await self.pools[source].fetch(
                    "select topic, sum(seq)::bigint as facts from journal_heads where subject like 'H56.%' group by 1"
                ):
                    if quiet["applied"].get(f"{source}/{row['topic']}") != row["facts"]:
                        return False
            return True

        await until(holds, "notification is quiet")

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

    async def duplicates(self) -> float:
        """How many facts the process has dropped because it had applied them."""
        families = text_string_to_metric_families((await self.client.get("/metrics")).text)
        samples = [sample for family in families for sample in family.samples]
        return sum(sample.value for sample in samples if sample.labels.get("outcome") == "duplicate")

    async def dump(self) -> str:
        """Every row of every table of notification as text, bytes as hex and as letters."""
        pool, lines = self.pools["notification"], []
        names = await pool.fetch("select tablename from pg_tables where schemaname = 'notification'")
        for row in names:
            if row["tablename"].startswith(("journal_", "schema_migrations")):
                continue
            for record in await pool.fetch(f'select * from "{row["tablename"]}"'):
                lines += [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in record.values()]
        return "\n".join(lines)
