"""A desk hands dossiers in to the running intake, over HTTP, with real PostgreSQL and Kafka below."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.intake.domain.filing import People
from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import ContactStated, DossierAccepted
from shared.contracts.topics import CONTACTS, LIFECYCLE, Topic
from shared.messaging.connection import connection
from shared.sealing import Contact, KeyEncryptionKey, Purpose, associated_data, open_sealed
from tests.integration.intake.counter import AREA, COMMUNE, DISTRICT_DESK, FIRST_MORNING, PERSON, Counter


async def published(counter: Counter, topic: Topic, code: str) -> Any:
    """The first record of one dossier that really came through the topic."""
    client = AIOKafkaConsumer(
        **connection(counter.stack.kafka_login()),
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await client.start()
    try:
        client.assign([TopicPartition(topic.name, number) for number in range(topic.partitions)])
        async with asyncio.timeout(20):
            async for record in client:
                if record.key == code.encode():
                    return record
    finally:
        await client.stop()


async def data_key(counter: Counter, code: str) -> bytes:
    kek = KeyEncryptionKey.read(counter.stack.folder.secrets / "keyring.key")
    wrapped = await counter.database.fetchval("select wrapped_key from keyring.dossier_keys where code = $1", code)
    return kek.unwrap_key(wrapped)


async def test_an_accepted_dossier_has_its_code_its_dues_its_facts_and_its_people_sealed(counter: Counter) -> None:
    answer = await counter.hand_in(await counter.filing())
    assert answer.status_code == 201, answer.text
    accepted = answer.json()
    code = accepted["code"]
    assert code.startswith(f"{COMMUNE}-200102-")
    assert answer.headers["location"] == f"/v1/dossiers/{code}"
    assert accepted["state"] == 2
    assert accepted["received_by"] == accepted["competent_agency"] == COMMUNE
    assert accepted["accepted_at"] == "2020-01-02T07:30:00+07:00"
    assert accepted["promised_due"] == accepted["statutory_due"] == "2020-01-02T17:00:00+07:00"
    assert accepted["limit_kind"] == "same_day"

    key = await data_key(counter, code)
    people = await counter.database.fetchval("select people from intake.dossiers where code = $1", code)
    document = open_sealed(key, people, associated_data(code, Purpose.PEOPLE))
    found = People.model_validate_json(document)
    assert found.applicant.name == PERSON["name"]
    assert found.applicant.phone == "+84977012345"
    assert found.note == "0977 012 345"

    lifecycle = await published(counter, LIFECYCLE, code)
    fact = DossierAccepted.model_validate_json(lifecycle.value)
    headers = {name: value.decode() for name, value in lifecycle.headers}
    assert headers["motcua_promised_due"] == headers["motcua_statutory_due"] == "2020-01-02T17:00:00+07:00"
    assert fact.received_path == "90.97.21."
    contact = await published(counter, CONTACTS, code)
    stated = ContactStated.model_validate_json(contact.value)
    sealed = base64.b64decode(stated.sealed)
    told = Contact.model_validate_json(open_sealed(key, sealed, associated_data(code, Purpose.CONTACT)))
    assert told.phone == "+84977012345"
    assert hashlib.sha256(told.tracking_secret.encode()).hexdigest() == fact.tracking_secret_hash
    assert len(base64.urlsafe_b64decode(told.tracking_secret + "==")) == 16
    for text in (PERSON["name"], PERSON["citizen_number"], "977012345", "Nhà thử nghiệm"):
        assert text.encode() not in lifecycle.value + contact.value


async def test_the_districts_desk_receives_what_its_offices_decide(counter: Counter) -> None:
    procedures = (await counter.http.get("/v1/procedures")).json()
    assert procedures["on"] == "2020-01-02"
    case = next(item for item in procedures["items"] if DISTRICT_DESK in item["received_by"])
    filing = await counter.filing(case["procedure_code"], case["case_code"])
    answer = await counter.hand_in(filing, headers=counter.bearer("desk", DISTRICT_DESK))
    assert answer.status_code == 201, answer.text
    assert answer.json()["code"].startswith(f"{DISTRICT_DESK}-200102-")
    assert answer.json()["received_by"] == DISTRICT_DESK


async def test_all_places_of_reception_receive(counter: Counter) -> None:
    agencies = (await counter.http.get("/v1/agencies", params={"on": "2020-06-01"})).json()["items"]
    assert len([agency for agency in agencies if agency["receives"]]) == 25


async def test_the_same_key_fifty_times_at_once_gives_one_dossier(counter: Counter) -> None:
    before = await counter.counts()
    filing = await counter.filing()
    answers = await asyncio.gather(*(counter.hand_in(filing, key="fifty") for _ in range(50)))
    done = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["code"] for answer in done}) == 1
    assert len({answer.content for answer in done}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in done) == 1
    after = await counter.counts()
    assert after["dossiers"] == before["dossiers"] + 1
    assert after["journal"] == before["journal"] + 2
    assert after["last numbers"] == before["last numbers"] + 1


async def test_fifty_desks_at_once_get_fifty_numbers_without_a_gap(counter: Counter) -> None:
    filing = await counter.filing()
    headers = counter.bearer("desk", "H56.97.23")
    answers = await asyncio.gather(*(counter.hand_in(filing, headers=headers) for _ in range(50)))
    numbers = sorted(int(answer.json()["code"].rpartition("-")[2]) for answer in answers)
    assert numbers == list(range(1, 51))


async def test_the_ten_thousandth_dossier_of_a_place_and_day_has_five_digits(counter: Counter) -> None:
    place = "H56.97.44"
    await counter.database.execute(
        "insert into intake.day_numbers (place, day, last_number) values ($1, $2, 9998)", place, FIRST_MORNING.date()
    )
    filing = await counter.filing()
    codes = [(await counter.hand_in(filing, headers=counter.bearer("desk", place))).json()["code"] for _ in range(3)]
    assert codes == [f"{place}-200102-9999", f"{place}-200102-10000", f"{place}-200102-10001"]
    read = await counter.http.get(f"/v1/dossiers/{codes[1]}", headers=counter.bearer("leader", place))
    assert read.status_code == 200


async def test_a_filing_that_is_turned_down_takes_no_number(counter: Counter) -> None:
    headers = counter.bearer("desk", "H56.97.24")
    good, bad = await counter.filing(), await counter.filing(papers=[])
    first = (await counter.hand_in(good, headers=headers)).json()["code"]
    assert (await counter.hand_in(bad, headers=headers)).status_code == 422
    second = (await counter.hand_in(good, headers=headers)).json()["code"]
    assert (first[-4:], second[-4:]) == ("0001", "0002")


async def test_the_stored_answer_is_given_again_byte_for_byte(counter: Counter) -> None:
    filing = await counter.filing()
    first = await counter.hand_in(filing, key="again")
    before = await counter.counts()
    second = await counter.hand_in(filing, key="again")
    assert (second.status_code, second.content) == (201, first.content)
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert await counter.counts() == before


async def test_a_key_whose_first_request_is_still_at_work_is_told_to_come_again(counter: Counter) -> None:
    filing, before = await counter.filing(), await counter.counts()
    async with counter.database.transaction():
        await counter.database.execute("lock table intake.idempotency_keys in share row exclusive mode")
        answer = await counter.hand_in(filing, key="twin")
        assert (answer.status_code, answer.json()["code"]) == (409, "request_in_flight")
        assert answer.headers["retry-after"] == "1"
        assert await counter.counts() == before
    assert (await counter.hand_in(filing, key="twin")).status_code == 201


async def test_another_caller_may_use_the_same_key(counter: Counter) -> None:
    filing = await counter.filing()
    mine = await counter.hand_in(filing, key="shared", headers=counter.bearer("desk", COMMUNE))
    theirs = await counter.hand_in(filing, key="shared", headers=counter.bearer("desk", "H56.97.25"))
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json()["code"] != theirs.json()["code"]


def _without(name: str) -> Any:
    def change(filing: dict[str, Any]) -> None:
        del filing[name]

    return change


def _with(**values: Any) -> Any:
    def change(filing: dict[str, Any]) -> None:
        filing.update(values)

    return change


def _applicant(**values: Any) -> Any:
    def change(filing: dict[str, Any]) -> None:
        filing["applicant"].update(values)

    return change


def _paper(**values: Any) -> Any:
    def change(filing: dict[str, Any]) -> None:
        filing["papers"][0].update(values)

    return change


BAD_FILINGS: dict[str, tuple[Any, int, str]] = {
    "unknown procedure": (_with(procedure_code="1.999999"), 422, "unknown_procedure"),
    "unknown case": (_with(case_code="nowhere"), 422, "unknown_procedure"),
    "no such area": (_with(area_code="99999"), 422, "area_unknown"),
    "citizen number too short": (_applicant(citizen_number="03819501234"), 422, "citizen_number_invalid"),
    "citizen number of no province": (_applicant(citizen_number="999195012345"), 422, "citizen_number_invalid"),
    "citizen number in other digits": (_applicant(citizen_number="٠٣٨١٩٥٠١٢٣٤٥"), 422, "citizen_number_invalid"),
    "born tomorrow": (_applicant(birth_date="2020-01-03"), 422, "birth_date_invalid"),
    "phone of nobody": (_applicant(phone="0123"), 422, "phone_invalid"),
    "paper missing": (_with(papers=[]), 422, "papers_complete"),
    "too few originals": (_paper(originals=0, certified=0, photocopies=0), 422, "papers_complete"),
    "paper of no list": (_paper(paper_code="khong-co"), 422, "papers_complete"),
    "channel without address": (
        lambda filing: (filing["applicant"].pop("email"), filing.update(channel_preferences=["email"])),
        422,
        "channel_without_address",
    ),
    "unknown field": (_with(state=9), 422, "input_invalid"),
    "unknown field inside": (_applicant(nickname="Tí"), 422, "input_invalid"),
    "wrong type": (_paper(originals="1"), 422, "input_invalid"),
    "wrong type of a text": (_applicant(name=5), 422, "input_invalid"),
    "negative count": (_paper(originals=-1), 422, "input_invalid"),
    "field missing": (_without("applicant"), 422, "input_invalid"),
    "empty name": (_applicant(name="  "), 422, "input_invalid"),
    "control character": (_applicant(name="Nguyễn\x00Văn"), 422, "input_invalid"),
    "e-mail address in letters of no mail server": (_applicant(email="thu@tên.example"), 422, "input_invalid"),
    "text too long": (_with(content="x" * 2001), 422, "input_invalid"),
    "unknown language": (_with(language="fr"), 422, "input_invalid"),
    "wrong date": (_applicant(birth_date="1995-02-30"), 422, "input_invalid"),
    "a number as date": (_applicant(birth_date=0), 422, "input_invalid"),
    "a number in text as date": (_applicant(birth_date="86400"), 422, "input_invalid"),
    "a moment as date": (_applicant(birth_date="1990-01-01T00:00:00"), 422, "input_invalid"),
    "an array": (None, 422, "input_invalid"),
    "body too large": (_with(note="x" * 300_000), 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BAD_FILINGS)
async def test_bad_input_is_refused_by_its_code_and_changes_nothing(counter: Counter, name: str) -> None:
    change, status, code = BAD_FILINGS[name]
    filing: Any = await counter.filing()
    assert (await counter.hand_in(filing)).status_code == 201, "the filing is good but for the one change"
    if change is None:
        filing = [filing]
    else:
        change(filing)
    before = await counter.counts()
    await _refused(counter, await counter.hand_in(filing), status, code, before)


async def _refused(
    counter: Counter, answer: httpx2.Response, status: int, code: str, before: dict[str, int]
) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["code"] == code
    assert problem["status"] == status
    assert problem["trace_id"] == answer.headers["trace-id"]
    assert problem["title"]
    for text in (PERSON["name"], PERSON["citizen_number"], "99999", "khong-co", "nickname", "Tí"):
        assert text not in answer.text
    assert await counter.counts() == before
    return problem


async def test_a_place_that_may_not_receive_it(counter: Counter) -> None:
    only_commune = await counter.filing()
    before = await counter.counts()
    answer = await counter.hand_in(only_commune, headers=counter.bearer("desk", DISTRICT_DESK))
    await _refused(counter, answer, 422, "agency_receives", before)
    for stranger in ("H56.97", "H56.90", "H56.61", "H99.99"):
        answer = await counter.hand_in(only_commune, headers=counter.bearer("desk", stranger))
        await _refused(counter, answer, 422, "agency_receives", before)


async def test_a_procedure_that_is_not_in_force_yet(counter: Counter) -> None:
    later = (await counter.http.get("/v1/procedures", params={"on": "2025-08-01"})).json()["items"]
    now = {
        (item["procedure_code"], item["case_code"])
        for item in (await counter.http.get("/v1/procedures")).json()["items"]
    }
    case = next(item for item in later if (item["procedure_code"], item["case_code"]) not in now)
    filing = await counter.filing() | {"procedure_code": case["procedure_code"], "case_code": case["case_code"]}
    before = await counter.counts()
    await _refused(counter, await counter.hand_in(filing), 422, "procedure_in_force", before)


async def test_the_first_condition_that_fails_is_named(counter: Counter) -> None:
    filing = await counter.filing(papers=[])
    before = await counter.counts()
    answer = await counter.hand_in(filing, headers=counter.bearer("desk", DISTRICT_DESK))
    await _refused(counter, answer, 422, "agency_receives", before)


async def test_a_key_that_is_missing_or_was_used_for_another_body(counter: Counter) -> None:
    filing = await counter.filing()
    assert (await counter.hand_in(filing, key="reused")).status_code == 201
    before = await counter.counts()
    answer = await counter.hand_in(filing | {"note": "another"}, key="reused")
    await _refused(counter, answer, 422, "idempotency_key_reused", before)
    answer = await counter.http.post("/v1/dossiers", json=filing, headers=counter.bearer())
    await _refused(counter, answer, 400, "idempotency_key_missing", before)
    answer = await counter.hand_in(filing, key="k" * 201)
    await _refused(counter, answer, 400, "idempotency_key_invalid", before)


async def test_a_body_that_is_no_json(counter: Counter) -> None:
    before = await counter.counts()
    headers = counter.bearer() | {"Idempotency-Key": "no-json", "Content-Type": "application/json"}
    for body in (b'{"procedure_code":', b"\xff\xfe", b"[" * 20_000):
        answer = await counter.http.post("/v1/dossiers", content=body, headers=headers)
        assert answer.status_code in {400, 422}, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert await counter.counts() == before


async def test_a_body_in_pieces_is_counted_as_it_comes(counter: Counter) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(70):
            yield b"x" * 4096

    before = await counter.counts()
    headers = counter.bearer() | {"Idempotency-Key": "pieces", "Content-Type": "application/json"}
    answer = await counter.http.post("/v1/dossiers", content=pieces(), headers=headers)
    await _refused(counter, answer, 413, "body_too_large", before)


@pytest.mark.parametrize("role", ["citizen", "specialist", "leader", "auditor", "operator", "service"])
async def test_only_a_desk_hands_in(counter: Counter, role: str) -> None:
    filing = await counter.filing()
    before = await counter.counts()
    answer = await counter.hand_in(filing, headers=counter.bearer(role))
    await _refused(counter, answer, 403, "role_not_allowed", before)


async def test_a_token_that_is_missing_expired_or_forged(counter: Counter) -> None:
    filing = await counter.filing()
    before = await counter.counts()
    good = counter.stack.token("desk", COMMUNE, "officer")
    head, claims, _ = good.split(".")
    unsigned = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).decode().rstrip("=")
    expired = counter.stack.token("desk", COMMUNE, "officer", seconds=-60)
    forms = {
        "": "token_missing",
        f"Bearer {expired}": "token_expired",
        f"Bearer {head}.{claims}.AAAA": "token_invalid",
        f"Bearer {unsigned}.{claims}.": "token_invalid",
        "Bearer x": "token_invalid",
        f"Basic {good}": "token_missing",
    }
    for header, code in forms.items():
        answer = await counter.hand_in(filing, headers={"Authorization": header} if header else {})
        problem = await _refused(counter, answer, 401, code, before)
        assert good not in json.dumps(problem)
        assert "www-authenticate" in answer.headers


async def test_titles_come_in_the_callers_language(counter: Counter) -> None:
    filing = await counter.filing(papers=[])
    said = {}
    for language in ("vi", "en", "fr", "en;q=0.1, vi;q=0.9"):
        answer = await counter.hand_in(filing, headers=counter.bearer() | {"Accept-Language": language})
        said[language] = answer.json()["title"]
    assert said["vi"] == said["fr"] == said["en;q=0.1, vi;q=0.9"] == "Thành phần hồ sơ chưa đầy đủ"
    assert said["en"] == "The papers are not complete"


async def test_after_the_cut_off_a_same_day_dossier_is_due_on_the_next_working_day(counter: Counter) -> None:
    later = FIRST_MORNING.replace(hour=15, minute=0) + timedelta(seconds=1)
    counter.move_clock(later)
    accepted = (await counter.hand_in(await counter.filing(area_code=AREA))).json()
    assert accepted["accepted_at"] == "2020-01-02T15:00:01+07:00"
    assert datetime.fromisoformat(accepted["promised_due"]) == datetime(2020, 1, 3, 17, tzinfo=OFFICE_ZONE)
