from __future__ import annotations

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from shared.clocks import SystemLegalClock, machine_now
from shared.database import Connection, transaction
from shared.messaging.figures import Gauges
from shared.messaging.requests import (
    FORGET_AT_ONCE,
    KEPT,
    Claim,
    Earlier,
    KeyReused,
    RequestInFlight,
    StoredAnswer,
    claim_requests,
    drop_claims,
    store_answers,
)
from tests.integration.messaging.house import House, running
from tests.waiting import until

HASH = b"h" * 32


async def claim_request(tx: Connection, caller: str, key: str, request_hash: bytes) -> Earlier | None:
    """Claim one key."""
    claim = Claim(caller, key, request_hash)
    return (await claim_requests(tx, [claim])).get(claim)


async def store_answer(tx: Connection, caller: str, key: str, answer: StoredAnswer) -> None:
    """Keep one answer."""
    await store_answers(tx, {Claim(caller, key, HASH): answer})


async def test_the_same_key_fifty_times_at_once_has_one_effect_and_one_answer(house: House) -> None:
    winners: list[int] = []

    async def request(number: int) -> Earlier:
        async with transaction(house.pool) as tx:
            stored = await claim_request(tx, "officer-1", "key-1", HASH)
            if stored is not None:
                return stored
            winners.append(number)
            await house.journal.append(tx, [house.draft("A", number)])
            answer = StoredAnswer(201, {"Location": "/v1/dossiers/A"}, b"%d" % number)
            await store_answer(tx, "officer-1", "key-1", answer)
            return answer

    # Opened before: who waits for a row while others log in may wait longer than a lock is waited for.
    await asyncio.gather(*(house.pool.execute("select pg_sleep(0.1)") for _ in range(house.pool.get_max_size())))
    answers = await asyncio.gather(*(request(number) for number in range(50)))
    assert len(winners) == 1
    assert {answer.body for answer in answers} == {b"%d" % winners[0]}
    assert all(answer == answers[0] for answer in answers)
    assert await house.count("journal") == 1


async def test_a_key_is_its_callers_own_and_fits_one_request(house: House) -> None:
    async with transaction(house.pool) as tx:
        assert await claim_request(tx, "officer-1", "key-1", HASH) is None
        await store_answer(tx, "officer-1", "key-1", StoredAnswer(201, {}, b""))
    async with transaction(house.pool) as tx:
        assert await claim_request(tx, "officer-2", "key-1", HASH) is None
        assert isinstance(await claim_request(tx, "officer-1", "key-1", b"x" * 32), KeyReused)


async def test_many_keys_are_claimed_at_once_each_for_itself(house: House) -> None:
    old, reused, dropped, new = (Claim("officer-1", key, HASH) for key in ("old", "reused", "dropped", "new"))
    async with transaction(house.pool) as tx:
        await claim_requests(tx, [old, reused])
        await store_answers(tx, {old: StoredAnswer(201, {"A": "1"}, b"old"), reused: StoredAnswer(201, {}, b"")})
    other = Claim("officer-1", "reused", b"x" * 32)
    async with transaction(house.pool) as tx:
        earlier = await claim_requests(tx, [new, other, dropped, old])
        assert earlier.keys() == {old, other}
        assert earlier[old] == StoredAnswer(201, {"A": "1"}, b"old")
        assert isinstance(earlier[other], KeyReused)
        await store_answers(tx, {new: StoredAnswer(200, {}, b"new")})
        await drop_claims(tx, [dropped])
    async with transaction(house.pool) as tx:
        assert await claim_requests(tx, [dropped, new]) == {new: StoredAnswer(200, {}, b"new")}


async def test_the_twin_of_a_request_that_hangs_is_told_so_and_gets_the_key_when_it_fails(house: House) -> None:
    twin = await asyncpg.connect(
        house.service_dsn, server_settings={"search_path": house.schema, "lock_timeout": "50ms"}
    )
    async with house.pool.acquire() as first:
        work = first.transaction()
        await work.start()
        assert await claim_request(first, "officer-1", "key-1", HASH) is None
        with pytest.raises(RequestInFlight):
            await claim_request(twin, "officer-1", "key-1", HASH)
        await work.rollback()
    async with twin.transaction():
        assert await claim_request(twin, "officer-1", "key-1", HASH) is None
    await twin.close()


async def test_an_answer_is_kept_for_seven_days_by_the_databases_clock_and_then_forgotten(house: House) -> None:
    many = 2 * FORGET_AT_ONCE + 1
    await house.pool.execute(
        "insert into idempotency_keys (caller, key, request_hash, recorded_at, status, headers, body)"
        " select 'officer-1', 'key-' || n, $1, clock_timestamp() - $2::interval, 201, '{}', ''"
        " from generate_series(1, $3) as n",
        HASH,
        KEPT + timedelta(seconds=1),
        many,
    )
    async with transaction(house.pool) as tx:
        assert await claim_request(tx, "officer-1", "young", HASH) is None
        await store_answer(tx, "officer-1", "young", StoredAnswer(201, {}, b"young"))

    # A process whose own clock is ahead forgets nothing before its time.
    async with running(Gauges(house.pool, SystemLegalClock(), machine_now=lambda: machine_now() + 2 * KEPT)):

        async def forgotten() -> bool:
            return await house.count("idempotency_keys") == 1

        await until(forgotten)
    async with transaction(house.pool) as tx:
        assert await claim_request(tx, "officer-1", "young", HASH) == StoredAnswer(201, {}, b"young")
        assert await claim_request(tx, "officer-1", f"key-{many}", HASH) is None

    await house.pool.execute("update idempotency_keys set recorded_at = recorded_at - $1::interval", KEPT)
    async with running(Gauges(house.pool, SystemLegalClock())):

        async def all_forgotten() -> bool:
            return await house.count("idempotency_keys") == 0

        await until(all_forgotten)
