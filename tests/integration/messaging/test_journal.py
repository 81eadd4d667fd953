from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from shared.contracts.topics import PROMISED_DUE_HEADER
from shared.database import transaction
from shared.messaging.chain import COLUMNS, GENESIS, Breach, fact_hash
from shared.messaging.journal import NOTHING_PUBLISHED, Published, heads, verify_chain
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


async def breaches(house: House, published: Published = NOTHING_PUBLISHED) -> list[Breach]:
    async with transaction(house.pool) as tx:
        return [breach async for breach in verify_chain(tx, published=published)]


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


async def rewrite(owner: asyncpg.Connection[Any], subject: str) -> None:
    """Change the first fact of a chain, and chain all that follows anew: whoever owns the server can."""
    last = GENESIS
    query = "select * from journal where subject = $1 order by seq"
    for row in await owner.fetch(query, subject):
        changed = dict(row) | {"previous_hash": last, "body": row["body"] + b" " * (row["seq"] == 1)}
        last = fact_hash(last, changed)
        await owner.execute(
            "update journal set body = $3, previous_hash = $4, hash = $5 where subject = $1 and seq = $2",
            *(subject, row["seq"], changed["body"], changed["previous_hash"], last),
        )
        await owner.execute(
            "update journal_heads set hash = $2 where subject = $1 and seq = $3", subject, last, row["seq"]
        )


CUT = (
    "update journal_heads as h set seq = j.seq, hash = j.hash from journal as j "
    "where j.seq = 2 and j.subject = h.subject and h.subject = 'A'"
)
FORGERIES: dict[str, tuple[tuple[str, ...], str]] = {
    "a row is edited": (
        ("update journal set legal_time = legal_time + interval '1 day' where subject = 'A' and seq = 2",),
        "its hash does not fit its columns",
    ),
    "the chain is rewritten": ((), "another fact was published: the chain was rewritten"),
    "the tail is cut": (
        ("delete from journal where subject = 'A' and seq = 3", CUT),
        "was published, and its chain ends at 2",
    ),
    "the dossier is dropped": (
        ("delete from journal where subject = 'A'", "delete from journal_heads where subject = 'A'"),
        "was published, and its whole chain is gone",
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_whatever_was_published_shows_every_forgery_of_history_since(
    house: House, owner: asyncpg.Connection[Any], forgery: str
) -> None:
    await house.append(*(house.draft("A", number) for number in (1, 2, 3)), house.draft("B", 1))
    published = {
        (topic, subject): (seq, bytes.fromhex(head)) for topic, subject, seq, head in (await heads(owner)).heads
    }
    await house.append(house.draft("B", 2), house.draft("C", 1))
    assert await breaches(house, published) == [], "what came since changes nothing"
    statements, expected = FORGERIES[forgery]
    await owner.execute("set session_replication_role = replica")
    for statement in statements:
        assert not (await owner.execute(statement)).endswith(" 0")
    if not statements:
        await rewrite(owner, "A")
    assert [(breach.subject, breach.what) for breach in await breaches(house, published)] == [("A", expected)]
    alone = await breaches(house)
    assert bool(alone) == (forgery == "a row is edited"), "the chain alone shows nothing else"


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
