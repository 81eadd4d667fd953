from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shared.contracts.topics import PROMISED_DUE_HEADER
from shared.database import transaction
from shared.messaging.chain import COLUMNS, Breach
from shared.messaging.journal import heads, verify_chain
from tests.integration.messaging.house import House

EDITS = {
    "topic": "topic || 'x'",
    "subject": "subject || 'x'",
    "seq": "seq + 10",
    "id": "gen_random_uuid()",
    "type": "type || 'x'",
    "source": "source || 'x'",
    "legal_time": "legal_time + interval '1 microsecond'",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "partition_key": "partition_key || 'x'",
    "headers": "headers || ' '",
    "trace_parent": "trace_parent || 'x'",
    "body": "body || '\\x20'",
    "previous_hash": "sha256(previous_hash)",
    "hash": "sha256(hash)",
}


@pytest.fixture
async def owner(house: House) -> AsyncIterator[asyncpg.Connection[Any]]:
    connection = await asyncpg.connect(house.owner_dsn, server_settings={"search_path": house.schema})
    yield connection
    await connection.close()


async def breaches(house: House) -> list[Breach]:
    async with transaction(house.pool) as tx:
        return [breach async for breach in verify_chain(tx)]


async def test_sequences_have_no_gaps_whoever_writes_and_whatever_rolls_back(house: House) -> None:
    chance = random.Random(1)
    rolled_back = 0

    async def write(writer: int) -> None:
        nonlocal rolled_back
        for number in range(10):
            subjects = chance.sample(["A", "B", "C"], k=2)
            with_fault = chance.random() < 0.3
            try:
                async with transaction(house.pool) as tx:
                    await house.journal.append(tx, [house.draft(subject, number) for subject in subjects])
                    if with_fault:
                        raise ZeroDivisionError  # noqa: TRY301 - the fault
            except ZeroDivisionError:
                rolled_back += 1

    await asyncio.gather(*(write(writer) for writer in range(16)))
    assert rolled_back > 10
    rows = await house.pool.fetch("select subject, array_agg(seq order by seq) as seqs from journal group by subject")
    assert sum(len(row["seqs"]) for row in rows) == 2 * (160 - rolled_back)
    for row in rows:
        assert row["seqs"] == list(range(1, len(row["seqs"]) + 1))
    assert await house.count("unsent") == await house.count("journal")
    assert await breaches(house) == []


async def test_one_append_takes_many_drafts_in_their_order(house: House) -> None:
    async with transaction(house.pool) as tx:
        drafts = [house.draft("A", 1), house.draft("B", 1), house.draft("A", 2, headers={PROMISED_DUE_HEADER: "x"})]
        entries = await house.journal.append(tx, drafts)
        assert await house.journal.append(tx, []) == []
    assert [(entry.draft.subject, entry.seq) for entry in entries] == [("A", 1), ("B", 1), ("A", 2)]
    assert house.journal.appended.is_set()
    stored = await house.pool.fetchrow("select body, hash, headers from journal where subject = 'A' and seq = 2")
    assert stored is not None
    assert stored["body"] == drafts[2].fact.model_dump_json().encode()
    assert stored["hash"] == entries[2].hash
    assert await breaches(house) == []


async def test_every_column_is_hashed_and_is_edited_in_the_next_test(house: House) -> None:
    columns = await house.pool.fetch(
        "select column_name from information_schema.columns where table_schema = $1 and table_name = 'journal'",
        house.schema,
    )
    assert {row["column_name"] for row in columns} == {*COLUMNS, "previous_hash", "hash"} == set(EDITS)


@pytest.mark.parametrize("column", EDITS)
@pytest.mark.parametrize("seq", [1, 2, 3])
async def test_an_edited_column_breaks_its_chain(
    house: House, owner: asyncpg.Connection[Any], column: str, seq: int
) -> None:
    await house.append(*(house.draft("A", number) for number in (1, 2, 3)), house.draft("B", 1))
    before = (await heads(owner)).root
    assert await breaches(house) == []
    await owner.execute("set session_replication_role = replica")
    edited = await owner.execute(f"update journal set {column} = {EDITS[column]} where subject = 'A' and seq = $1", seq)
    assert edited == "UPDATE 1"
    found = await breaches(house)
    assert found
    assert all(breach.subject.startswith("A") for breach in found)
    assert (await heads(owner)).root == before


async def test_a_shortened_chain_shows_by_its_head_and_a_shortened_head_by_the_root(
    house: House, owner: asyncpg.Connection[Any]
) -> None:
    await house.append(*(house.draft("A", number) for number in (1, 2, 3)))
    before = await heads(owner)
    await owner.execute("set session_replication_role = replica")
    assert await owner.execute("delete from journal where seq = 3") == "DELETE 1"
    assert [breach.what for breach in await breaches(house)] == ["the head does not name the last fact"]
    await owner.execute("update journal_heads as h set seq = j.seq, hash = j.hash from journal as j where j.seq = 2")
    assert await breaches(house) == []
    assert (await heads(owner)).root != before.root


async def test_nobody_changes_a_recorded_fact(house: House, owner: asyncpg.Connection[Any]) -> None:
    await house.append(house.draft("A"))
    for statement in ("update journal set source = 'x'", "delete from journal"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await house.pool.execute(statement)
    partitions = [row[0] for row in await owner.fetch("select distinct tableoid::regclass::text from journal")]
    assert len(partitions) == 1
    assert partitions != ["journal_default"]
    for table in ("journal", *partitions):
        for statement in (f"update {table} set source = 'x'", f"delete from {table}", f"truncate {table}"):
            with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
                await owner.execute(statement)
    with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
        await owner.execute("truncate journal_default")
    assert await house.count("journal") == 1
