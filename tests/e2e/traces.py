"""Looks for people where none may be: topics read raw, logs, metrics pages, and every table of every schema."""

from __future__ import annotations

import json
import os
import subprocess
import unicodedata
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from urllib.parse import quote

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from deploy.demo.people import EMAIL_DOMAIN, NAME_MARKER, Person
from deploy.local.stack import Stack
from shared.messaging.connection import connection
from shared.settings import KafkaSettings
from tests.clients import plain_client
from tests.topics import records_of

NOTHING_FOUND = 1
"""As grep ends."""


def forms(text: str) -> set[bytes]:
    """A text as it may be written: composed, decomposed, without accents, in capitals, escaped as JSON or in a URL."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
    plain = plain.replace("đ", "d").replace("Đ", "D")
    written = {text, text.upper(), plain, plain.upper(), unicodedata.normalize("NFD", text)}
    return {form.encode() for form in written} | {json.dumps(text)[1:-1].encode(), quote(text).encode()}


def spellings(phone: str) -> tuple[str, ...]:
    """A Vietnamese phone number as people and gateways write it; without a prefix it would be any nine digits."""
    grouped = (phone[:4], phone[4:7], phone[7:])
    return (phone, f"84{phone[1:]}", *(sign.join(grouped) for sign in " .-"))


def needles(people: Iterable[Person]) -> set[bytes]:
    """Everything that would give one of these people away, and what all of them share."""
    found = forms(NAME_MARKER) | forms(EMAIL_DOMAIN)
    for person in people:
        texts = (person.name, person.citizen_number, *spellings(person.phone), person.address, person.email)
        for text in filter(None, texts):
            found |= forms(text)
    return found


def traces(places: Mapping[str, bytes], people: Iterable[Person]) -> list[str]:
    """`place: what stands there` for everything of these people that is found.

    grep looks for all of it at once, where Python would go through every place once for each of some thousand texts.
    """
    with NamedTemporaryFile() as wanted:
        wanted.write(b"\n".join(needles(people)))
        wanted.flush()
        command = ["grep", "--text", "--only-matching", "--fixed-strings", f"--file={wanted.name}"]
        return [
            f"{place}: {found}" for place, content in places.items() for found in sorted(_matches(command, content))
        ]


def _matches(command: Sequence[str], content: bytes) -> set[str]:
    searched = subprocess.run(
        command, input=content, capture_output=True, env=os.environ | {"LC_ALL": "C"}, check=False
    )
    assert searched.returncode in {0, NOTHING_FOUND}, searched.stderr
    return set(searched.stdout.decode().splitlines())


async def everything(stack: Stack, more_pages: Mapping[str, str] | None = None) -> dict[str, bytes]:
    """All places outside the ciphertext, by name. What arrived at the sinks is the world outside, where people are."""
    places = {f"topic {name}": content async for name, content in topics(stack)}
    places |= {f"log {path.name}": path.read_bytes() for path in logs(stack)}
    places |= {
        f"metrics of {name}": content async for name, content in metrics_pages({**stack.urls, **(more_pages or {})})
    }
    places |= {f"table {name}": content async for name, content in tables(stack)}
    return places


def logs(stack: Stack) -> list[Path]:
    """Every log of every part: services, sinks, PostgreSQL, Kafka."""
    return [path for path in stack.folder.path.rglob("*.log*") if path.is_file() and "kafka-data" not in path.parts]


async def topics(stack: Stack) -> AsyncIterator[tuple[str, bytes]]:
    """Every topic's records raw: keys, headers and values."""
    kafka = stack.kafka_login()
    for topic, partitions in sorted((await _partitions(kafka)).items()):
        read: list[bytes] = []
        async for record in records_of(kafka, topic, partitions):
            read += [record.key or b"", record.value or b""]
            read += [part for name, value in record.headers for part in (name.encode(), value)]
        yield topic, b"\n".join(read)


async def _partitions(kafka: KafkaSettings) -> dict[str, int]:
    """How many partitions each topic has; a consumer knows those of its own topics only."""
    admin = AIOKafkaAdminClient(**connection(kafka))
    await admin.start()
    try:
        return {each["topic"]: len(each["partitions"]) for each in await admin.describe_topics()}
    finally:
        await admin.close()


async def metrics_pages(urls: Mapping[str, str]) -> AsyncIterator[tuple[str, bytes]]:
    """What Prometheus would scrape of each service."""
    async with plain_client() as client:
        for service, url in urls.items():
            answer = await client.get(f"{url}/metrics")
            answer.raise_for_status()
            yield service, answer.content


async def tables(stack: Stack) -> AsyncIterator[tuple[str, bytes]]:
    """Every row of every table of every schema of ours, bytes as bytes."""
    connection = await asyncpg.connect(stack.dsn())
    try:
        for schema, table in await connection.fetch(
            "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"
        ):
            rows = await connection.fetch(f'select * from "{schema}"."{table}"')
            yield f"{schema}.{table}", b"\n".join(part for row in rows for value in row.values() for part in raw(value))
    finally:
        await connection.close()


def raw(value: Any) -> Iterator[bytes]:
    """A column's bytes; those of an array one by one."""
    if isinstance(value, list):
        for each in value:
            yield from raw(each)
    else:
        yield value if isinstance(value, bytes) else str(value).encode()
