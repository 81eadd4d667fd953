from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.database import transaction
from shared.messaging.requests import KeyReused, RequestInFlight, StoredAnswer, claim_request, store_answer
from tests.integration.messaging.house import House

HASH = b"h" * 32


async def test_the_same_key_fifty_times_at_once_has_one_effect_and_one_answer(house: House) -> None:
    winners: list[int] = []

    async def request(number: int) -> StoredAnswer:
        async with transaction(house.pool) as tx:
            stored = await claim_request(tx, "officer-1", "key-1", HASH)
            if stored is not None:
                return stored
            winners.append(number)
            await house.journal.append(tx, [house.draft("A", number)])
            answer = StoredAnswer(201, {"Location": "/v1/dossiers/A"}, b"%d" % number)
            await store_answer(tx, "officer-1", "key-1", answer)
            return answer

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
        with pytest.raises(KeyReused):
            await claim_request(tx, "officer-1", "key-1", b"x" * 32)


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
