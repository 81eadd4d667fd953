"""Writes histories down as they happen: append-only files in the stack's folder, which the checker reads."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from deploy.demo.calls import Caller
from deploy.demo.people import EMAIL_DOMAIN, NAME_MARKER
from deploy.local.services import SERVICES
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES
from shared.http.wire import Answer, ConnectionLost, Wire
from shared.messaging.connection import connection
from shared.settings import KafkaSettings
from tests.faults.signals import memory_of
from tests.faults.witness import Notebook

NEEDLES = [NAME_MARKER, EMAIL_DOMAIN.replace(".", r"\."), r"\b038[01]\d{2}\d{6}\b", r"\b0977\d{6}\b", r"\b84977\d{6}\b"]
"""What gives one of the made-up people away, as their pattern is stated in `deploy/demo/people.py`."""
READ = (LIFECYCLE, CONTACTS, OUTCOMES)
TABLES = {
    "intake.dossiers": "select code, place, day, number from intake.dossiers",
    "intake.day_numbers": "select place, day, last_number from intake.day_numbers",
    "processing.cases": "select code, state, version from processing.cases",
    "notification.dossiers": "select code from notification.dossiers",
    "notification.contacts": "select code, channels from notification.contacts",
    "notification.notices": "select fact_id::text, code, template from notification.notices",
    "notification.messages": "select m.id::text, fact_id::text, channel, m.state, template"
    " from notification.messages m join notification.notices using (fact_id)",
    "metrics.dossiers": "select code from metrics.dossiers where accepted_at is not null",
    "metrics.daily_counters": "select day, place, field, figure, number from metrics.daily_counters where number <> 0",
    "metrics.daily_notices": "select channel, outcome, sum(number)::bigint as number"
    " from metrics.daily_notices group by 1, 2",
}
CURSORS = "select subject, source, topic, seq from {}.cursors"
UNSENT = "select count(*) as facts from {}.unsent"
JOURNAL = (
    "select topic, subject, seq, id::text, type, source, legal_time, body,"
    " floor(extract(epoch from recorded_at) * 1000)::bigint as recorded from {}.journal where topic = any($1)"
)
PUBLISHERS = ("intake", "processing", "notification")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Recorder:
    """The history folder of one stack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "history"
        for part in (self.folder, self.folder / "tables", self.folder / "pages"):
            part.mkdir(exist_ok=True)
        (self.folder / "needles.json").write_text(json.dumps(NEEDLES), "utf-8")
        self.answers: list[dict[str, Any]] = []
        self._journaled: set[tuple[str, str, str, int]] = set()
        self._positions: dict[TopicPartition, int] = {}
        self._generations: dict[str, int] = {}
        self._witness = Notebook()
        self.raw: list[ConsumerRecord] = []
        """Every record of the lifecycle as it was read: what a fault can send again."""

    def note(self, history: str, line: Mapping[str, Any]) -> None:
        """Append one line."""
        with (self.folder / f"{history}.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def answer(self, line: dict[str, Any]) -> None:
        """Append what a client was answered, or that he was not."""
        self.answers.append(line)
        self.note("answers", line)

    def made_anew(self, topic: str) -> None:
        """A topic begins at nothing again."""
        self._generations[topic] = self._generations.get(topic, 0) + 1
        self._positions = {place: at for place, at in self._positions.items() if place.topic != topic}

    async def read_topics(self, kafka: KafkaSettings) -> None:
        """Append every record that was not read yet."""
        consumer = AIOKafkaConsumer(**connection(kafka), auto_offset_reset="earliest")
        await consumer.start()
        try:
            places = [TopicPartition(topic.name, number) for topic in READ for number in range(topic.partitions)]
            consumer.assign(places)
            ends = await consumer.end_offsets(places)
            for place in places:
                consumer.seek(place, self._positions.get(place, 0))
            while any(self._positions.get(place, 0) < ends[place] for place in places):
                for place, records in (await consumer.getmany(timeout_ms=200)).items():
                    self._take(place, records)
        finally:
            await consumer.stop()

    def _take(self, place: TopicPartition, records: list[ConsumerRecord]) -> None:
        for record in records:
            self.note("facts", self._fact(record))
        self._positions[place] = records[-1].offset + 1
        if place.topic == LIFECYCLE.name:
            self.raw += records

    def _fact(self, record: ConsumerRecord) -> dict[str, Any]:
        said = {name: value.decode() for name, value in record.headers}
        return {
            "generation": self._generations.get(record.topic, 0),
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "at": record.timestamp,
            "id": said["ce_id"],
            "type": said["ce_type"],
            "source": said["ce_source"],
            "subject": said["ce_subject"],
            "seq": int(said["ce_sequence"]),
            **_content(record.value),
        }

    async def read_tables(self, database: asyncpg.Connection[asyncpg.Record], number: int) -> None:
        """Write down the few tables as they stand, and append the journal rows that are new."""
        with (self.folder / "tables" / f"{number:04}.jsonl").open("w", encoding="utf-8") as file:
            for table, query in TABLES.items():
                for row in await database.fetch(query):
                    file.write(json.dumps({"table": table, **row}, default=str) + "\n")
            for table, query in (("cursors", CURSORS), ("unsent", UNSENT)):
                for service in SERVICES:
                    for row in await database.fetch(query.format(service)):
                        file.write(json.dumps({"table": table, "service": service, **row}) + "\n")
        for service in PUBLISHERS:
            for row in await database.fetch(JOURNAL.format(service), [topic.name for topic in READ]):
                self._journal(dict(row))

    async def hear_witness(self, database: asyncpg.Connection[asyncpg.Record]) -> None:
        """Append what moved and what took effect since it was asked last."""
        async for history, line in self._witness.news(database):
            self.note(history, line)

    def _journal(self, row: dict[str, Any]) -> None:
        place = (row["source"], row["topic"], row["subject"], row["seq"])
        if place not in self._journaled:
            self._journaled.add(place)
            body = row.pop("body")
            self.note("journal", {**row, "legal_time": row["legal_time"].isoformat(), **_content(body)})

    def read_processes(self, row: int, parts: Mapping[str, int]) -> None:
        """Append memory and open files of each part."""
        for part, pid in parts.items():
            rss = memory_of(pid, "VmRSS")
            files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
            self.note("processes", {"row": row, "part": part, "pid": pid, "rss_kb": rss, "files": files})

    async def read_pages(self, callers: Mapping[str, Caller]) -> None:
        """Keep what Prometheus would be shown now."""
        for service, caller in callers.items():
            (self.folder / "pages" / f"{service}.txt").write_bytes((await caller.read("/metrics")).body)


def _content(body: bytes) -> dict[str, Any]:
    """A body as it can be read, contacts' too: what is sealed in it stands there sealed."""
    return {"digest": hashlib.sha256(body).hexdigest(), "body": json.loads(body)}


class RecordedWire(Wire):
    """A wire that writes down what came back, and what did not."""

    def __init__(self, recorder: Recorder, host: str, port: int, **more: Any) -> None:
        super().__init__(host, port, **more)
        self._recorder = recorder

    async def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        line = {"at": now(), "port": self.port, "method": method, "target": target}
        line["key"] = (headers or {}).get("idempotency-key")
        try:
            answer = await super().request(method, target, headers, body)
        except (ConnectionLost, asyncio.CancelledError) as error:
            self._recorder.answer({**line, "status": None, "reason": str(error) or type(error).__name__})
            raise
        self._recorder.answer({**line, **self._said(method, answer)})
        return answer

    @staticmethod
    def _said(method: str, answer: Answer) -> dict[str, Any]:
        line: dict[str, Any] = {"status": answer.status, "replayed": "idempotency-replayed" in answer.headers}
        line["retry_after"] = answer.headers.get("retry-after")
        if method == "POST":
            said = answer.json()
            line |= {name: said[name] for name in ("code", "state", "version") if name in said}
        return line
