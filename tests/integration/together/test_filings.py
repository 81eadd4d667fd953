"""What is odd about a filing at its desk is seen as one ordinary dossier by every other service."""

from __future__ import annotations

import asyncio

import httpx2

from deploy.demo.offices import Officer
from shared.contracts.topics import LIFECYCLE
from shared.sealing import Contact, Purpose, associated_data, open_sealed
from tests.faults.strikes.at_facts import ONE_BY_ONE
from tests.integration.intake.counter import Counter
from tests.integration.intake.test_accepting import data_key
from tests.integration.together.everywhere import Everywhere, filed, grown

PLACE = "H56.97.44"
WRITERS, EACH = 16, 3

HOLD_COMMITS = f"""
create table intake.commits (code text, at timestamptz);
create function intake.hold_commit() returns trigger language plpgsql security definer as $$
begin
    {ONE_BY_ONE}
    perform pg_sleep(random() * 0.3);
    insert into intake.commits values (new.code, clock_timestamp());
    return null;
end
$$;
create constraint trigger hold_commit after insert on intake.dossiers
    deferrable initially deferred for each row execute function intake.hold_commit()
"""
LET_COMMITS_GO = "drop function intake.hold_commit cascade; drop table intake.commits"
RECORDED = "select subject from intake.journal where topic = $1 and subject = any($2::text[]) order by recorded_at"
COMMITTED = "select code from intake.commits order by at"


async def test_the_same_key_fifty_times_at_once_is_one_case_one_message_and_one_more_received(
    everywhere: Everywhere, counter: Counter
) -> None:
    before, filing = await everywhere.look(), await counter.filing()
    answers = await asyncio.gather(*(counter.hand_in(filing, key="fifty") for _ in range(50)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
    assert replayed, "no twin came after the first"
    (code,) = {answer.json()["code"] for answer in answers if answer.status_code == 201}
    assert grown(before, await everywhere.look()) == filed(code)


async def test_the_ten_thousandth_dossier_of_a_place_and_day_is_like_any_other(
    everywhere: Everywhere, counter: Counter
) -> None:
    await counter.database.execute(
        "insert into intake.day_numbers (place, day, last_number) values ($1, $2, 9999)"
        " on conflict (place, day) do update set last_number = excluded.last_number",
        *(PLACE, everywhere.today()),
    )
    before = await everywhere.look()
    code = (await counter.hand_in(await counter.filing(), headers=counter.bearer("desk", PLACE))).json()["code"]
    assert code == f"{PLACE}-{everywhere.today():%y%m%d}-10000"
    assert grown(before, await everywhere.look()) == filed(code)
    assert code in [item.code for item in await everywhere.stage.offices.worklist(Officer(PLACE, "desk"))]
    states = await counter.database.fetch(
        "select channel, m.state from notification.messages as m join notification.notices using (fact_id) "
        "where code = $1",
        code,
    )
    assert dict(states) == {"sms": "delivered", "email": "handed_over"}


async def test_sixteen_desks_whose_commits_come_late_and_out_of_order_lose_nothing(
    everywhere: Everywhere, counter: Counter
) -> None:
    before, filing = await everywhere.look(), await counter.filing()

    async def desk(place: str) -> list[str]:
        answers = [await counter.hand_in(filing, headers=counter.bearer("desk", place)) for _ in range(EACH)]
        return [str(answer.json()["code"]) for answer in answers]

    await counter.database.execute(HOLD_COMMITS)
    try:
        filings = await asyncio.gather(*(desk(f"H56.97.{number}") for number in range(21, 21 + WRITERS)))
        codes = [code for written in filings for code in written]
        recorded = [row[0] for row in await counter.database.fetch(RECORDED, LIFECYCLE.name, codes)]
        committed = [row[0] for row in await counter.database.fetch(COMMITTED)]
    finally:
        await counter.database.execute(LET_COMMITS_GO)
    assert sorted(recorded) == sorted(committed) == sorted(codes)
    assert recorded != committed, "no commit overtook another"
    assert len(set(codes)) == WRITERS * EACH
    assert grown(before, await everywhere.look()) == filed(*codes)


async def test_the_secret_that_a_citizen_is_sent_opens_his_dossier_and_no_other(
    everywhere: Everywhere, counter: Counter
) -> None:
    codes = [(await counter.hand_in(await counter.filing())).json()["code"] for _ in range(2)]
    await everywhere.rest()
    tracking = f"{everywhere.stack.urls['processing']}/v1/tracking"

    async def secret_sent(code: str) -> str:
        sealed = await counter.database.fetchval("select sealed from notification.contacts where code = $1", code)
        opened = open_sealed(await data_key(counter, code), sealed, associated_data(code, Purpose.CONTACT))
        return Contact.model_validate_json(opened).tracking_secret

    async def exchange(code: str, secret: str) -> httpx2.Response:
        return await counter.http.post(tracking, json={"code": code, "secret": secret})

    secret = await secret_sent(codes[0])
    assert (await exchange(codes[1], secret)).status_code == 404
    token = (await exchange(codes[0], secret)).json()["token"]
    own, other = [
        await counter.http.get(f"{tracking}/{code}", headers={"Authorization": f"Bearer {token}"}) for code in codes
    ]
    assert (own.status_code, own.json()["code"], own.json()["state"]) == (200, codes[0], 2)
    assert (other.status_code, other.json()["code"]) == (404, "dossier_unknown")
