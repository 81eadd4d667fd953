"""From a fact to the sink, and what is told of it afterwards."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from http import HTTPStatus

import pytest

from deploy.local.sinks.logbook import LOG_NAME
from deploy.local.sinks.zalo import text_of
from services.notification.channels.texts import load_wording
from services.notification.handlers.facts import CONTACT_WAIT
from services.notification.handlers.outcomes import message_id
from shared.contracts.facts import Channel, Language
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES
from tests.integration.notification.house import House, Person
from tests.waiting import until


def digest(house: House, text: str) -> str:
    return hashlib.sha256(house.salt + text.encode()).hexdigest()


@pytest.mark.parametrize("language", Language)
async def test_a_fact_becomes_one_message_on_each_channel(house: House, language: Language) -> None:
    person = Person(email="nguyen.van.a@dan.example", language=language)
    code, fact_id = await house.accept(person)
    sms = await house.message(code, "delivered")
    mail = await house.message(code, "handed_over", channel="email")
    assert (sms["attempts"], mail["attempts"]) == (1, 1)
    assert await house.outcomes(code, 3) in (
        ["handed_over", "handed_over", "delivered"],
        ["handed_over", "delivered", "handed_over"],
    )
    shown = {
        "code": code,
        "tracking_page": "motcua.example/tra-cuu",
        "tracking_secret": person.secret,
        "promised_due": (house.begin + timedelta(days=7)).isoformat(),
    }
    for channel, to in ((Channel.SMS, person.phone), (Channel.EMAIL, person.email)):
        text = load_wording().render("accepted", language, channel, shown)
        whole = text.body if channel is Channel.SMS else f"{text.subject}\n\n{text.body.strip()}"
        [arrival] = house.arrivals(fact_id, channel)
        assert arrival["to"] == digest(house, str(to))
        assert arrival["text"] == digest(house, whole)


async def test_who_chose_zalo_is_told_there_by_template_and_values_and_not_by_sms(house: House) -> None:
    person = Person(by_zalo=True)
    code, fact_id = await house.accept(person)
    assert (await house.message(code, "delivered", channel="zalo"))["attempts"] == 1
    assert await house.outcomes(code, 2) == ["handed_over", "delivered"]
    shown = {
        "code": code,
        "tracking_page": "motcua.example/tra-cuu",
        "tracking_secret": person.secret,
        "promised_due": (house.begin + timedelta(days=7)).isoformat(),
    }
    text = load_wording().render("accepted", Language.VI, Channel.ZALO, shown)
    assert text.values["promised_due"] == "09/03/2020 08:00"
    [arrival] = house.arrivals(fact_id, Channel.ZALO)
    assert arrival["to"] == digest(house, str(person.phone).removeprefix("+"))
    assert arrival["text"] == digest(house, text_of("accepted.vi", text.values))
    assert house.arrivals(fact_id) == []
    token = await house.post_receipts((str(message_id(fact_id, Channel.ZALO)), "failed"), path="zalo", token="wrong")
    assert token.json()["code"] == "token_invalid"


async def test_a_contact_may_come_after_the_fact(house: House) -> None:
    code, _ = await house.accept(None)
    await house.message(code, "awaiting_contact", channel=None)
    assert (await house.quiet())["messages_waiting"] > 0
    await house.state_contact(code, Person())
    await house.message(code, "delivered")


async def test_who_has_no_channel_is_unreachable_at_once(house: House) -> None:
    code, _ = await house.accept(Person(phone=None))
    await house.message(code, "unreachable", channel=None)


async def test_who_states_no_contact_is_unreachable_after_a_minute_and_told_when_it_comes_at_last(house: House) -> None:
    code, fact_id = await house.accept(None)
    await house.message(code, "awaiting_contact", channel=None)
    minute_ago = "update notices set wait_until = wait_until - $2::interval where fact_id = $1"
    await house.pools["notification"].execute(minute_ago, fact_id, CONTACT_WAIT)
    await house.message(code, "unreachable", channel=None)
    assert (await house.quiet())["messages_waiting"] == 0
    await house.restart()
    await house.state_contact(code, Person())
    await house.message(code, "delivered")
    assert len(house.arrivals(fact_id)) == 1


async def test_a_repeated_fact_is_not_told_again(house: House) -> None:
    code, fact_id = await house.accept(Person(email="b@dan.example"))
    await house.message(code, "delivered")
    await house.settled()
    log, dropped = (house.sink_folder / LOG_NAME).read_bytes(), await house.duplicates()
    repeated = await house.publish_again("intake") + await house.publish_again("processing")
    assert repeated > 1

    async def all_dropped() -> bool:
        return await house.duplicates() - dropped >= repeated

    await until(all_dropped, "every repeated fact was met")
    await house.settled()
    assert (house.sink_folder / LOG_NAME).read_bytes() == log
    assert [len(house.arrivals(fact_id, channel)) for channel in (Channel.SMS, Channel.EMAIL)] == [1, 1]


async def test_an_erased_person_is_told_nothing_and_the_neighbour_is(house: House) -> None:
    code, _ = await house.accept(Person())
    neighbour, _ = await house.accept(Person())
    for told in (code, neighbour):
        await house.message(told, "delivered")
    await house.erase(code)
    await house.restart()
    for told in (code, neighbour):
        await house.finish(told)
    item = await house.message(code, "failed", template="result_ready")
    assert item["reason"] == "people_erased"
    await house.message(neighbour, "delivered", template="result_ready")
    assert (await house.outcomes(code, 3))[2:] == ["failed"]


async def test_people_stand_nowhere_in_clear(house: House) -> None:
    person = Person(phone="+84977987654", email="rat.rieng.tu@dan.example", secret="secret-nobody-else-has")
    code, _ = await house.accept(person)
    await house.finish(code)
    for template in ("accepted", "result_ready"):
        await house.message(code, "delivered", template=template)
        await house.message(code, "handed_over", template=template, channel="email")
    await house.settled()
    places = {
        "tables": await house.dump(),
        "arrivals": (house.sink_folder / LOG_NAME).read_text(),
        "metrics": (await house.client.get("/metrics")).text,
        **{path.name: path.read_text(errors="replace") for path in house.stack.folder.logs.iterdir()},
    }
    for topic in (LIFECYCLE, CONTACTS, OUTCOMES):
        records = await house.records(topic)
        places[topic.name] = "\n".join(f"{record.key} {record.headers} {record.value}" for record in records)
    assert code in places["tables"]
    assert code in places[OUTCOMES.name]
    for name, text in places.items():
        for planted in ("977987654", "rat.rieng.tu", "secret-nobody-else-has"):
            assert planted not in text, f"{planted} in {name}"
    async with house.pools["notification"].acquire() as connection:
        await connection.execute("insert into dossiers values ('planted', '977987654', '')")
        assert "977987654" in await house.dump()
        await connection.execute("delete from dossiers where code = 'planted'")


async def test_callers_see_what_their_agency_may(house: House) -> None:
    code, _ = await house.accept(Person())
    await house.message(code, "delivered")
    path = f"/v1/dossiers/{code}/notices"

    async def status(role: str, agency: str, path: str = path) -> tuple[int, str]:
        answer = await house.client.get(path, headers=house.headers(role, agency))
        return answer.status_code, answer.json().get("code", "")

    for agency in ("H56.97.21", "H56.97", "H56.97.02"):
        assert (await status("specialist", agency))[0] == HTTPStatus.OK
    assert await status("specialist", "H56.97.22") == (HTTPStatus.NOT_FOUND, "dossier_unknown")
    for agency in ("H56.61", "H56.99.99"):  # from 2025-07-01, and never
        assert await status("leader", agency) == (HTTPStatus.FORBIDDEN, "agency_not_allowed")
    assert await status("citizen", "") == (HTTPStatus.FORBIDDEN, "role_not_allowed")
    unknown = "/v1/dossiers/H56.97.21-200302-9999/notices"
    assert await status("desk", "H56.97.21", unknown) == (HTTPStatus.NOT_FOUND, "dossier_unknown")
    for role in ("desk", "leader", "auditor"):
        assert await status(role, "H56.97.21", "/v1/notices/summary") == (HTTPStatus.FORBIDDEN, "role_not_allowed")
    assert (await status("operator", "", "/v1/notices/summary"))[0] == HTTPStatus.OK
    assert (await status("leader", "H56.97", "/internal/v1/quiet"))[0] == HTTPStatus.FORBIDDEN
    assert (await house.client.get(path)).json()["code"] == "token_missing"


async def test_the_summary_adds_up_when_all_is_quiet(house: House) -> None:
    await house.settled()
    answer = await house.client.get("/v1/notices/summary", headers=house.headers("operator", ""))
    counts = answer.json()
    assert counts["waiting"] == 0
    ends = counts["handed_over"] + counts["unknown"] + counts["failed"] + counts["unreachable"]
    told = [fact.type.split(".")[3] for fact in await house.topic(OUTCOMES)]
    assert told.count("handed_over") == counts["handed_over"]
    # A message whose receipt says that it did not arrive was handed over too.
    undelivered = await house.pools["notification"].fetchval(
        "select count(*) from messages where state = 'failed' and handed_over_at is not null"
    )
    assert ends - undelivered == counts["requested"] > 0


async def test_receipts_are_taken_from_the_gateway_only(house: House) -> None:
    code, fact_id = await house.accept(Person())
    await house.message(code, "delivered")
    reference = str(message_id(fact_id, Channel.SMS))
    assert (await house.post_receipts((reference, "delivered"), token="wrong")).json()["code"] == "token_invalid"
    assert (await house.post_receipts((reference, "delivered"))).json() == {"changed": 0}
    assert (await house.post_receipts((reference, "failed"))).json() == {"changed": 0}
    assert (await house.post_receipts(("of-somebody-else", "delivered"))).json() == {"changed": 0}
    answer = await house.post_receipts((reference, "eaten"))
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid")
    assert (await house.message(code, "delivered"))["attempts"] == 1
    assert await house.outcomes(code, 2) == ["handed_over", "delivered"]
