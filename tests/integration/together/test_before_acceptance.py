"""A dossier before its acceptance, through real Kafka in every service: told, counted nowhere, and no case."""

from __future__ import annotations

import itertools
from typing import Any

import asyncpg
import pytest

from deploy.demo.offices import Officer
from services.intake.repository.registrations import WAITING
from shared.database import CallersPool, Scope
from shared.sealing import KeyEncryptionKey
from tests.integration.intake.counter import Counter
from tests.integration.together.everywhere import Everywhere, Seen, filed, grown
from tests.integration.together.test_both_locks import LONG_AGO, OUR_PATH, OURS, THEIR_PATH, THEIRS, one_connection

CHANNELS = ("sms", "mail")
_names = itertools.count(1)
PASSED = "select seq from {}.cursors where subject = $1 and source = 'intake' and topic like '%lifecycle%'"


def citizen(counter: Counter) -> dict[str, str]:
    return counter.bearer("citizen", "", f"applicant-{next(_names)}")


async def registered(counter: Counter, bearer: dict[str, str], place: str = OURS, **changes: Any) -> str:
    answer = await counter.register(await counter.filing() | changes, bearer, place)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


def told(code: str, *templates: str) -> dict[str, dict[str, int]]:
    """What grows when an applicant is told this and nothing else happens."""
    return {
        "notices": {f"{code} {template}": 1 for template in templates},
        "told": {f"{code} {template} {channel}": 1 for template in templates for channel in CHANNELS},
    }


def ended(code: str) -> dict[str, dict[str, int]]:
    return {"dossiers": {code: 1}, "closed": {code: 1}}


async def done(counter: Counter, code: str, action: str, bearer: dict[str, str], *, version: int, **body: Any) -> None:
    answer = await counter.act(code, action, bearer, version, body)
    assert answer.status_code == 200, answer.text


async def look(everywhere: Everywhere, code: str) -> Seen:
    assert await everywhere.parked(code) == {}
    return await everywhere.look()


async def cursors(everywhere: Everywhere, code: str) -> dict[str, int]:
    """Service → the last fact of intake about a dossier that it has passed."""
    readers = ("processing", "notification", "metrics")
    return {service: await everywhere.database.fetchval(PASSED.format(service), code) for service in readers}


async def test_a_registration_is_told_counts_nowhere_and_becomes_a_case_only_when_it_is_accepted(
    everywhere: Everywhere, counter: Counter
) -> None:
    before, me, desk = await everywhere.look(), citizen(counter), counter.bearer("desk", OURS)
    paper = (await counter.filing())["papers"][0]
    code = await registered(counter, me)
    await done(counter, code, "ask_papers", desk, version=1, papers=[{"paper_code": paper["paper_code"]}])
    await done(counter, code, "submit_papers", me, version=2, papers=[paper])
    waiting = await look(everywhere, code)
    assert grown(before, waiting) == {"dossiers": {code: 1}} | told(code, "registered", "papers_requested")
    assert await cursors(everywhere, code) == {"processing": 3, "notification": 3, "metrics": 3}
    await done(counter, code, "accept", desk, version=3)
    accepted = await look(everywhere, code)
    expected = filed(code)
    del expected["dossiers"]
    assert grown(waiting, accepted) == expected
    assert await cursors(everywhere, code) == {"processing": 4, "notification": 4, "metrics": 4}
    item = next(item for item in await everywhere.stage.offices.worklist(Officer(OURS, "desk")) if item.code == code)
    outcome = await everywhere.stage.offices.act(item, item.duties[0])
    assert outcome.state == 4


@pytest.mark.parametrize(
    ("action", "body", "template"),
    [("refuse", {"reason": "not_eligible"}, "refused"), ("withdraw", {}, "registration_withdrawn")],
)
async def test_what_is_never_accepted_counts_nowhere_and_is_no_case(
    everywhere: Everywhere, counter: Counter, action: str, body: dict[str, str], template: str
) -> None:
    before = await everywhere.look()
    code = await registered(counter, citizen(counter))
    await done(counter, code, action, counter.bearer("desk", OURS), version=1, **body)
    after = await look(everywhere, code)
    assert grown(before, after) == ended(code) | told(code, "registered", template)


async def test_a_refusal_at_the_desk_is_told_with_its_reason_and_counts_nowhere(
    everywhere: Everywhere, counter: Counter
) -> None:
    before = await everywhere.look()
    answer = await counter.refuse(await counter.filing(papers=[]), "papers_missing", counter.bearer("desk", OURS))
    code = answer.json()["code"]
    assert grown(before, await look(everywhere, code)) == ended(code) | told(code, "refused")
    query = "select parameters->>'reason' from notification.notices where code = $1"
    assert await everywhere.database.fetchval(query, code) == "papers_missing"


async def test_before_acceptance_the_notices_are_shown_to_the_place_and_after_it_to_who_decides_too(
    everywhere: Everywhere, counter: Counter
) -> None:
    land = await counter.filing("1.012784")
    desk = counter.bearer("desk", "H56.97.01")
    code = (await counter.register(land, desk, "H56.97.01")).json()["code"]
    await everywhere.rest()

    async def shown(agency: str) -> int:
        url = f"{everywhere.stack.urls['notification']}/v1/dossiers/{code}/notices"
        return (await everywhere.http.get(url, headers=counter.bearer("leader", agency))).status_code

    query = "select competent_agency from intake.dossiers where code = $1"
    assert await everywhere.database.fetchval(query, code) is None
    assert await shown("H56.97.01") == 200
    await done(counter, code, "accept", desk, version=1)
    competent = str(await everywhere.database.fetchval(query, code))
    assert not competent.startswith("H56.97.01")
    assert await shown(competent) in {404, 200}
    await everywhere.rest()
    assert [await shown(agency) for agency in ("H56.97.01", competent, THEIRS)] == [200, 200, 404]


async def test_the_database_shows_registrations_to_their_place_and_their_applicant_alone(
    everywhere: Everywhere, counter: Counter
) -> None:
    mine, theirs = [await registered(counter, counter.bearer("citizen", "", name)) for name in ("one", "another")]
    kek = KeyEncryptionKey.read(everywhere.stack.folder.secrets / "keyring.key")
    me = kek.blind_index("subject", "one").hex()
    both = "select code from dossiers where code = any($1::text[]) order by code"
    async with one_connection(everywhere, "intake") as connection:
        pool = CallersPool(connection, "intake")

        async def seen(scope: Scope) -> list[str]:
            async with pool.transaction(scope) as tx:
                papers = await tx.fetch("select distinct code from papers where code = any($1)", [mine, theirs])
                found = [row["code"] for row in await tx.fetch(both, [mine, theirs])]
                assert sorted(row["code"] for row in papers) == found
                return found

        assert await seen(Scope(applicant=me)) == [mine]
        assert await seen(Scope((OUR_PATH,))) == sorted([mine, theirs])
        assert await seen(Scope((THEIR_PATH,))) == await seen(Scope()) == []
        async with pool.transaction(Scope((THEIR_PATH,))) as tx:
            assert await tx.fetch(WAITING, [OUR_PATH], LONG_AGO, "", 200) == []
        async with pool.transaction(Scope((OUR_PATH,))) as tx:
            assert {row["code"] for row in await tx.fetch(WAITING, [OUR_PATH], LONG_AGO, "", 200)} >= {mine, theirs}
        for scope in (Scope((THEIR_PATH,)), Scope(applicant=me), Scope()):
            async with pool.transaction(scope) as tx:
                assert await tx.execute("update dossiers set version = 9 where code = $1", theirs) == "UPDATE 0"
                assert await tx.execute("update papers set originals = 9 where code = $1", theirs) == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with pool.transaction(Scope(applicant=me)) as tx:
                await tx.execute("update dossiers set applicant_index = null where code = $1", mine)
