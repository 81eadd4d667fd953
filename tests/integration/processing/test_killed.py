"""Processing killed (-9) while officers act: every acknowledged act exists once, in its order."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

import httpx2

from tests.integration.processing.hall import COMMUNE, Hall
from tests.waiting import until

LAND = ("1.012784", "default")


async def test_killed_among_acts_nothing_acknowledged_is_lost_and_nothing_happens_twice(hall: Hall) -> None:
    codes = [await hall.accept(hall.catalogue.case(*LAND)) for _ in range(30)]
    body = {"officer": "specialist.H56.92.01", "agency": "H56.92.01"}
    repeated = 0

    async def assign(code: str) -> dict[str, object]:
        nonlocal repeated
        while True:
            try:
                answer = await hall.act(code, "assign", ("desk", COMMUNE), 1, body, **{"Idempotency-Key": f"k-{code}"})
                if answer.status_code == HTTPStatus.OK:
                    return dict(answer.json())
                assert answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE, answer.text
            except httpx2.TransportError:
                await hall.stack.wait_ready("processing")
            repeated += 1

    async with hall.held(codes[0]):
        acting = [asyncio.create_task(assign(code)) for code in codes]
        await hall.is_assigned(codes[1])
        victim = await hall.stack.kill("processing")
    answers = await asyncio.gather(*acting)
    await hall.stack.wait_ready("processing")
    assert hall.stack.pid("processing") != victim.pid
    assert repeated > 0, "the kill struck nobody"
    assert {answer["version"] for answer in answers} == {2}
    for code in codes:
        assert [name for name, _ in await hall.facts_of(code)] == ["assigned"]

    async def all_went_out() -> bool:
        return not (await hall.quiet())["unsent"]

    await until(all_went_out, "every fact went to the topic")
    assert (await hall.quiet())["parked"] == 0
