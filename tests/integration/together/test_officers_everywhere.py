"""What a leader says of an officer at processing counts at intake and notification too."""

from __future__ import annotations

import itertools
from http import HTTPStatus
from typing import Any

import httpx2

from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import Everywhere
from tests.waiting import until

HEAD = ("leader", COMMUNE, "head.of.commune")
REVOKED = (HTTPStatus.FORBIDDEN, "officer_revoked")
_keys = itertools.count(1)


async def said(everywhere: Everywhere, counter: Counter, entry: dict[str, Any]) -> dict[str, Any]:
    headers = {"Idempotency-Key": f"register-{next(_keys)}", **counter.bearer(*HEAD)}
    url = f"{everywhere.stack.urls['processing']}/v1/officers"
    answer = await everywhere.http.post(url, json=entry, headers=headers)
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    return dict(answer.json())


Told = set[tuple[int, str]]
"""Answers as status and code of the problem."""


def told(answers: list[httpx2.Response]) -> Told:
    return {(answer.status_code, answer.json().get("code", "") if answer.is_error else "") for answer in answers}


async def read(everywhere: Everywhere, bearer: dict[str, str], code: str) -> Told:
    """What a clerk is answered who reads a dossier of his place at every service."""
    paths = {
        "intake": ("registrations", f"dossiers/{code}"),
        "notification": (f"dossiers/{code}/notices",),
        "processing": ("worklist", f"dossiers/{code}", f"dossiers/{code}/deadline"),
    }
    urls = [f"{everywhere.stack.urls[service]}/v1/{path}" for service, found in paths.items() for path in found]
    return told([await everywhere.http.get(url, headers=bearer) for url in urls])


async def acted(counter: Counter, bearer: dict[str, str], code: str) -> Told:
    """What he is answered who does at the desk whatever a clerk may do there."""
    filing = await counter.filing()
    return told(
        [
            await counter.hand_in(filing, headers=bearer),
            await counter.register(filing, bearer),
            await counter.refuse(filing, "not_eligible", bearer),
            await counter.act(code, "request_withdrawal", bearer),
        ]
    )


async def test_a_revoked_clerk_does_and_reads_nothing_anywhere_until_it_is_taken_back(
    everywhere: Everywhere, counter: Counter
) -> None:
    gone, colleague = [counter.bearer("desk", COMMUNE, name) for name in ("gone.clerk", "colleague")]
    taken = await counter.hand_in(await counter.filing(), headers=gone)
    assert taken.status_code == HTTPStatus.CREATED, taken.text
    code = taken.json()["code"]
    await everywhere.rest()
    assert await read(everywhere, gone, code) == {(HTTPStatus.OK, "")}
    today = str(everywhere.today())
    entry = await said(everywhere, counter, {"kind": "revocation", "officer": "gone.clerk", "first_day": today})

    async def refused() -> bool:
        return await read(everywhere, gone, code) == {REVOKED}

    async def let_in() -> bool:
        return await read(everywhere, gone, code) == {(HTTPStatus.OK, "")}

    await until(refused, "the clerk is refused everywhere")
    before = await counter.counts()
    assert await acted(counter, gone, code) == {REVOKED}
    assert await counter.counts() == before
    assert await read(everywhere, colleague, code) == {(HTTPStatus.OK, "")}
    await said(everywhere, counter, {"kind": "withdrawal", "entry": entry["no"]})
    await until(let_in, "the clerk is let in again")


async def test_entries_are_a_chain_of_their_unit_in_processings_journal(
    everywhere: Everywhere, counter: Counter
) -> None:
    chain = "select seq from processing.journal where topic = 'officers.entries.v1' and subject = $1 order by seq"
    before = [row["seq"] for row in await everywhere.database.fetch(chain, COMMUNE)]
    for officer in ("first.clerk", "second.clerk"):
        first_day = str(everywhere.today())
        await said(everywhere, counter, {"kind": "seat", "officer": officer, "role": "desk", "first_day": first_day})
    after = [row["seq"] for row in await everywhere.database.fetch(chain, COMMUNE)]
    assert after == list(range(1, len(before) + 3))
