"""Papers of a supplement and the wish to withdraw, over HTTP on the running intake, as processing tells of them."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from shared.contracts.facts import State
from shared.database import ENTER_SCOPE, Scope
from tests.integration.intake.counter import COMMUNE, DISTRICT_DESK, OTHER_COMMUNE, Counter
from tests.integration.intake.processing import Processing
from tests.integration.intake.test_registrations import citizen, registered, told, view

MARRIAGE, PAPER, OTHER_PAPER = "1.000894", "giay-to-tuy-than", "tk-ket-hon"


def papers(photocopies: int, paper: str = PAPER) -> dict[str, object]:
    return {"papers": [{"paper_code": paper, "photocopies": photocopies, "originals": 1}]}


async def accepted(counter: Counter, bearer: dict[str, str]) -> str:
    """Version 2 stands after it."""
    whole = await counter.filing(MARRIAGE)
    code = str((await registered(counter, bearer, **whole))["code"])
    answer = await counter.act(code, "accept", counter.bearer())
    assert answer.status_code == 200, answer.text
    return code


async def test_papers_of_a_supplement_arrive_until_nothing_that_was_asked_is_missing(
    counter: Counter, processing: Processing
) -> None:
    me, desk = citizen(counter), counter.bearer()
    code = await accepted(counter, me)
    assert told(await counter.act(code, "submit_papers", me, 2, papers(2))) == (409, "illegal_move")
    await processing.tell(code, "supplement_requested", papers=[PAPER])
    seen = await view(counter, code, me)
    assert (seen["state"], [paper["paper_code"] for paper in seen["papers_asked"]]) == (5, [PAPER])
    assert told(await counter.act(code, "submit_papers", me, 2, papers(2))) == (412, "version_stale")
    assert told(await counter.act(code, "submit_papers", me, 3, papers(1, OTHER_PAPER))) == (409, "papers_were_asked")
    few = await counter.act(code, "submit_papers", me, 3, papers(1))
    assert (few.json()["state"], [paper["paper_code"] for paper in few.json()["papers_asked"]]) == (5, [PAPER])
    rest = await counter.act(code, "submit_papers", desk, 4, papers(2))
    assert (rest.json()["state"], rest.json()["papers_asked"], rest.json()["version"]) == (5, [], 5), rest.text
    again = await counter.act(code, "submit_papers", me, 5, papers(2))
    assert (told(again), again.json()["possible"]) == ((409, "papers_were_asked"), ["request_withdrawal"])
    first, last = [body for kind, body in await counter.facts_of(code) if kind == "papers_received"]
    assert (first["papers"], first["missing"], first["by"]) == ([PAPER], [PAPER], "citizen")
    assert (last["missing"], last["by"], last["officer"]) == ([], "desk", f"desk@{COMMUNE}")
    await processing.tell(code, "supplement_received", state=State.PROCESSING)
    done = await counter.act(code, "submit_papers", me, 6, papers(2))
    assert (told(done), done.json()["state"]) == ((409, "illegal_move"), 4)


async def test_a_second_supplement_asks_anew_and_what_was_missing_of_the_first_is_forgotten(
    counter: Counter, processing: Processing
) -> None:
    me = citizen(counter)
    code = await accepted(counter, me)
    await processing.tell(code, "supplement_requested", papers=[PAPER])
    await processing.tell(code, "supplement_received", state=State.PROCESSING)
    assert (await view(counter, code, me))["papers_asked"] == []
    await processing.tell(code, "supplement_requested", papers=[OTHER_PAPER], number=2)
    assert told(await counter.act(code, "submit_papers", me, 5, papers(2))) == (409, "papers_were_asked")
    answer = await counter.act(code, "submit_papers", me, 5, papers(0, OTHER_PAPER))
    assert (answer.status_code, answer.json()["papers_asked"]) == (200, []), answer.text


@pytest.mark.parametrize("role", ["citizen", "desk"])
async def test_a_withdrawal_is_asked_for_once_by_the_applicant_or_the_desk(counter: Counter, role: str) -> None:
    me, desk = citizen(counter), counter.bearer()
    code = await accepted(counter, me)
    bearer = me if role == "citizen" else desk
    asked = [await counter.act(code, "request_withdrawal", bearer, 2, key=f"withdraw-{role}") for _ in range(2)]
    assert (asked[0].status_code, asked[1].headers["idempotency-replayed"]) == (200, "true"), asked[0].text
    answer = asked[0].json()
    assert (answer["state"], answer["version"], answer["fact"]) == (2, 3, "vn.motcua.dossier.withdrawal_requested.v1")
    assert (await view(counter, code, desk))["withdrawal_requested_at"] == answer["withdrawal_requested_at"]
    for other in (me, desk):
        again = await counter.act(code, "request_withdrawal", other, 3)
        assert (told(again), again.json()["state"], again.json()["possible"]) == ((409, "not_requested_before"), 2, [])
        assert answer["withdrawal_requested_at"] in again.json()["errors"][0]["message"]
    [(kind, body)] = (await counter.facts_of(code))[2:]
    assert (kind, body["by"], bool(body["officer"])) == ("withdrawal_requested", role, role == "desk")


async def test_twenty_who_ask_to_withdraw_at_once_ask_once(counter: Counter) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    answers = await asyncio.gather(*(counter.act(code, "request_withdrawal", counter.bearer(), 1) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    assert [kind for kind, _ in await counter.facts_of(code)] == ["accepted", "withdrawal_requested"]


async def test_an_accepted_dossier_is_acted_on_by_its_place_and_its_applicant_alone(
    counter: Counter, processing: Processing
) -> None:
    me = citizen(counter)
    code = await accepted(counter, me)
    await processing.tell(code, "supplement_requested", papers=[PAPER])
    before = await counter.counts()
    for action in ("submit_papers", "request_withdrawal"):
        for stranger in (OTHER_COMMUNE, DISTRICT_DESK):
            answer = await counter.act(code, action, counter.bearer("desk", stranger), 3)
            assert told(answer) == (404, "dossier_unknown")
        assert told(await counter.act(code, action, counter.bearer("desk", "H56.97"), 3)) == (403, "agency_not_allowed")
        assert told(await counter.act(code, action, citizen(counter), 3)) == (404, "dossier_unknown")
        for role in ("specialist", "leader"):
            assert told(await counter.act(code, action, counter.bearer(role), 3)) == (403, "role_not_allowed")
    assert await counter.counts() == before


async def test_whoever_decides_a_dossier_reads_it_and_does_nothing_at_its_place_of_reception(counter: Counter) -> None:
    """By either lock: the route's predicate, and the database's own."""
    desk = counter.bearer("desk", DISTRICT_DESK)
    code = (await counter.hand_in(await counter.filing("1.012784"), headers=desk)).json()["code"]
    row = await counter.database.fetchrow(
        "select competent_agency, competent_path from intake.dossiers where code = $1", code
    )
    agency, path = row["competent_agency"], row["competent_path"]
    assert (await counter.http.get(f"/v1/dossiers/{code}", headers=counter.bearer("desk", agency))).status_code == 200
    answer = await counter.act(code, "request_withdrawal", counter.bearer("desk", agency))
    assert told(answer) == (404, "dossier_unknown")
    changes = (
        "update intake.dossiers set withdrawal_requested_at = now() where code = $1",
        "update intake.papers set originals = 9 where code = $1",
    )
    added = "insert into intake.papers values ($1, 'one-more', 1, 0, 0)"

    async def within(scope: str, sql: str) -> str:
        change = counter.database.transaction()
        await change.start()
        try:
            await counter.database.fetchval(ENTER_SCOPE, "intake_api", *Scope((scope,)).settings)
            return await counter.database.execute(sql, code)
        finally:
            await change.rollback()

    for sql in changes:
        assert await within(path, sql) == "UPDATE 0"
        assert await within("90.97.01.", sql) != "UPDATE 0"
    assert await within("90.97.01.", added) == "INSERT 0 1"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await within(path, added)
