"""Registrations over HTTP on the running intake: who may do what before acceptance, and what it leaves behind."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import json
from typing import Any

import httpx2
import pytest

from services.intake.domain.filing import People
from services.intake.repository.registrations import WAITING
from shared.clocks import ScenarioClock
from shared.contracts.facts import ContactStated, DossierAccepted, DossierRefused, DossierRegistered
from shared.contracts.topics import CONTACTS, LIFECYCLE
from shared.database import ENTER_SCOPE, Scope
from shared.rulebook.loader import load_seed
from shared.rulebook.refusals import REASONS
from shared.sealing import Contact, Purpose, associated_data, open_sealed
from tests.integration.intake.counter import COMMUNE, DISTRICT_DESK, FIRST_MORNING, OTHER_COMMUNE, PERSON, Counter
from tests.integration.intake.test_accepting import data_key, published

_names = itertools.count(1)


def citizen(counter: Counter, name: str = "") -> dict[str, str]:
    return counter.bearer("citizen", "", name or f"citizen-{next(_names)}")


async def registered(counter: Counter, bearer: dict[str, str] | None = None, **changes: Any) -> dict[str, Any]:
    answer = await counter.register(await counter.filing(**changes), bearer or citizen(counter))
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json().get("code"))


async def view(counter: Counter, code: str, bearer: dict[str, str]) -> Any:
    answer = await counter.http.get(f"/v1/registrations/{code}", headers=bearer)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
    assert answer.headers["cache-control"] == "no-store"
    return answer.json()


async def test_a_registration_has_its_number_its_facts_and_its_people_sealed_and_no_clock(counter: Counter) -> None:
    me = citizen(counter, "me")
    answer = await counter.register(await counter.filing(), me)
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"'), answer.text
    found = answer.json()
    code = found["code"]
    assert answer.headers["location"] == f"/v1/registrations/{code}"
    assert (found["state"], found["version"], found["received_by"], found["refusal"]) == (1, 1, COMMUNE, None)
    key = await data_key(counter, code)
    sealed = await counter.database.fetchval("select people from intake.dossiers where code = $1", code)
    people = People.model_validate_json(open_sealed(key, sealed, associated_data(code, Purpose.PEOPLE)))
    assert people.applicant.citizen_number == PERSON["citizen_number"]
    lifecycle, contact = await published(counter, LIFECYCLE, code), await published(counter, CONTACTS, code)
    fact = DossierRegistered.model_validate_json(lifecycle.value)
    assert (fact.received_path, fact.by, fact.officer) == ("90.97.21.", "citizen", "")
    stated = ContactStated.model_validate_json(contact.value)
    aad = associated_data(code, Purpose.CONTACT)
    assert Contact.model_validate_json(open_sealed(key, base64.b64decode(stated.sealed), aad)).phone == "+84977012345"
    stored = await counter.database.fetchval("select row_to_json(d)::text from intake.dossiers d where code = $1", code)
    for text in (PERSON["name"], PERSON["citizen_number"], "977012345", '"me"', "me/citizen"):
        assert text not in lifecycle.value.decode() + contact.value.decode() + stored
    assert [kind for kind, _ in await counter.facts_of(code)] == ["registered"]
    assert json.loads(stored)["promised_due"] is None


async def test_only_who_registered_it_and_its_place_see_a_registration(counter: Counter) -> None:
    me = citizen(counter)
    code = (await registered(counter, me))["code"]
    mine = await view(counter, code, me)
    assert (mine["state"], mine["papers_asked"], mine["people"], mine["people_erased"]) == (1, [], None, False)
    for role, agency in itertools.product(("desk", "specialist", "leader", "auditor"), (COMMUNE, "H56.97", "H56.90")):
        seen = await view(counter, code, counter.bearer(role, agency))
        assert seen["people"]["applicant"]["name"] == PERSON["name"]
    assert await counter.database.fetchval("select count(*) from intake.reads where code = $1", code) == 12
    for stranger in (citizen(counter), counter.bearer("desk", OTHER_COMMUNE), counter.bearer("leader", DISTRICT_DESK)):
        answer = await counter.http.get(f"/v1/registrations/{code}", headers=stranger)
        assert told(answer) == (404, "dossier_unknown")
    for role in ("operator", "service"):
        answer = await counter.http.get(f"/v1/registrations/{code}", headers=counter.bearer(role, ""))
        assert told(answer) == (403, "role_not_allowed")
    of_desk = (await counter.hand_in(await counter.filing())).json()["code"]
    assert told(await counter.http.get(f"/v1/registrations/{of_desk}", headers=me)) == (404, "dossier_unknown")


async def test_the_same_subject_as_officer_is_not_the_citizen(counter: Counter) -> None:
    code = (await registered(counter, counter.bearer("citizen", "", "twofold")))["code"]
    officer = counter.bearer("desk", OTHER_COMMUNE, "twofold")
    assert told(await counter.http.get(f"/v1/registrations/{code}", headers=officer)) == (404, "dossier_unknown")
    assert told(await counter.act(code, "accept", officer)) == (404, "dossier_unknown")


async def test_a_dossier_that_is_not_accepted_is_read_where_registrations_are(counter: Counter) -> None:
    me = citizen(counter)
    code = (await registered(counter, me))["code"]
    for bearer in (me, counter.bearer("desk", COMMUNE), citizen(counter)):
        answer = await counter.http.get(f"/v1/dossiers/{code}", headers=bearer)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/v1/registrations/{code}")
    answer = await counter.http.get(f"/v1/dossiers/{code}", headers=counter.bearer("desk", OTHER_COMMUNE))
    assert told(answer) == (404, "not_found")
    assert (await counter.act(code, "accept", counter.bearer())).status_code == 200
    answer = await counter.http.get(f"/v1/dossiers/{code}", headers=counter.bearer())
    assert (answer.status_code, answer.json()["code"]) == (200, code)


async def test_accepting_computes_the_limits_from_the_acceptance_and_tells_the_secret_of_before(
    counter: Counter,
) -> None:
    me = citizen(counter)
    code = (await registered(counter, me))["code"]
    later = FIRST_MORNING.replace(day=6, hour=9, minute=0)
    counter.move_clock(later)
    answer = await counter.act(code, "accept", counter.bearer())
    assert (answer.status_code, answer.headers["etag"]) == (200, '"2"'), answer.text
    done = answer.json()
    assert (done["state"], done["version"], done["fact"]) == (2, 2, "vn.motcua.dossier.accepted.v1")
    assert done["accepted"] == {
        "competent_agency": COMMUNE,
        "accepted_at": "2020-01-06T09:00:00+07:00",
        "statutory_due": "2020-01-06T17:00:00+07:00",
        "promised_due": "2020-01-06T17:00:00+07:00",
        "appointed": True,
    }
    [(_, before), (kind, body)] = await counter.facts_of(code)
    fact = DossierAccepted.model_validate(body)
    assert (kind, fact.received_by, fact.catalogue_version) == ("accepted", COMMUNE, before["catalogue_version"])
    key, contact = await data_key(counter, code), await published(counter, CONTACTS, code)
    stated = base64.b64decode(ContactStated.model_validate_json(contact.value).sealed)
    secret = Contact.model_validate_json(
        open_sealed(key, stated, associated_data(code, Purpose.CONTACT))
    ).tracking_secret
    assert hashlib.sha256(secret.encode()).hexdigest() == fact.tracking_secret_hash
    assert (await view(counter, code, me))["promised_due"] == "2020-01-06T17:00:00+07:00"


async def test_papers_are_asked_for_submitted_and_missing_until_they_are_there(counter: Counter) -> None:
    me, desk = citizen(counter), counter.bearer()
    whole = await counter.filing("1.000894")
    code = (await registered(counter, me, procedure_code="1.000894", papers=[]))["code"]
    answer = await counter.act(code, "accept", desk)
    assert told(answer) == (409, "papers_complete")
    assert len(answer.json()["errors"]) == len(whole["papers"]) == 2
    names = [paper["paper_code"] for paper in whole["papers"]]
    asked = await counter.act(code, "ask_papers", desk, 1, {"papers": [{"paper_code": name} for name in names]})
    assert (asked.status_code, [paper["paper_code"] for paper in asked.json()["papers_asked"]]) == (200, names)
    assert [paper["photocopies"] for paper in (await view(counter, code, me))["papers_asked"]] == [0, 2]
    first, second = whole["papers"]
    few = await counter.act(code, "submit_papers", me, 2, {"papers": [first, {**second, "photocopies": 1}]})
    assert [paper["paper_code"] for paper in few.json()["papers_asked"]] == names[1:], few.text
    again = await counter.act(code, "submit_papers", me, 3, {"papers": [first]})
    assert told(again) == (409, "papers_were_asked")
    assert told(await counter.act(code, "accept", desk, 3)) == (409, "papers_complete")
    rest = await counter.act(code, "submit_papers", desk, 3, {"papers": [second]})
    assert (rest.status_code, rest.json()["papers_asked"], rest.json()["state"]) == (200, [], 1)
    assert told(await counter.act(code, "submit_papers", me, 4, {"papers": [second]})) == (409, "papers_were_asked")
    assert (await counter.act(code, "accept", desk, 4)).status_code == 200
    facts = await counter.facts_of(code)
    assert [kind for kind, _ in facts] == [
        "registered",
        "papers_requested",
        "papers_received",
        "papers_received",
        "accepted",
    ]
    assert (facts[2][1]["papers"], facts[2][1]["missing"], facts[2][1]["by"]) == (names, names[1:], "citizen")
    assert (facts[3][1]["missing"], facts[3][1]["officer"]) == ([], f"desk@{COMMUNE}")
    read = (await counter.http.get(f"/v1/dossiers/{code}", headers=desk)).json()
    assert {paper["paper_code"]: paper["photocopies"] for paper in read["papers"]}[names[1]] == 2


async def test_a_paper_that_came_and_cannot_be_used_is_missing_until_it_comes_again(counter: Counter) -> None:
    me, desk = citizen(counter), counter.bearer()
    filing = await counter.filing()
    code = (await registered(counter, me))["code"]
    paper = filing["papers"][0]
    asked = await counter.act(code, "ask_papers", desk, 1, {"papers": [{"paper_code": paper["paper_code"]}]})
    assert asked.status_code == 200, asked.text
    assert told(await counter.act(code, "accept", desk, 2)) == (409, "papers_complete")
    assert (await counter.act(code, "submit_papers", me, 2, {"papers": [paper]})).status_code == 200
    assert (await counter.act(code, "accept", desk, 3)).status_code == 200


async def test_a_registration_is_refused_for_a_reason_of_the_list(counter: Counter) -> None:
    me, desk = citizen(counter), counter.bearer()
    code = (await registered(counter, me))["code"]
    for reason in (None, "because", "papers-missing"):
        answer = await counter.act(code, "refuse", desk, 1, {"reason": reason})
        assert told(answer) == (409, "reason_listed")
        assert "papers_not_submitted" in answer.json()["errors"][0]["message"]
    answer = await counter.act(code, "refuse", desk, 1, {"reason": "papers_not_submitted"})
    assert (answer.status_code, answer.json()["state"]) == (200, 3), answer.text
    assert answer.json()["refusal"]["vi"] == REASONS["refuse"]["papers_not_submitted"].vi
    seen = await view(counter, code, me)
    assert (seen["state"], seen["refusal"]["code"]) == (3, "papers_not_submitted")
    assert seen["closed_at"] is not None
    assert [kind for kind, _ in await counter.facts_of(code)] == ["registered", "refused"]


@pytest.mark.parametrize("role", ["citizen", "desk"])
async def test_the_applicant_or_the_desk_withdraws_a_registration(counter: Counter, role: str) -> None:
    me = citizen(counter)
    code = (await registered(counter, me))["code"]
    bearer = me if role == "citizen" else counter.bearer()
    answer = await counter.act(code, "withdraw", bearer)
    assert (answer.status_code, answer.json()["state"]) == (200, 7), answer.text
    [_, (kind, fact)] = await counter.facts_of(code)
    assert (kind, fact["by"], bool(fact["officer"])) == ("registration_withdrawn", role, role == "desk")


async def test_a_dossier_is_refused_at_the_desk_with_a_number_of_its_own(counter: Counter) -> None:
    desk = counter.bearer("desk", "H56.97.26")
    good = await counter.filing()
    first = (await counter.hand_in(good, headers=desk)).json()["code"]
    answer = await counter.refuse(await counter.filing(papers=[], area_code="99999"), "papers_missing", desk)
    assert answer.status_code == 201, answer.text
    refused = answer.json()
    third = (await counter.hand_in(good, headers=desk)).json()["code"]
    assert [code[-4:] for code in (first, refused["code"], third)] == ["0001", "0002", "0003"]
    assert (refused["state"], refused["refusal"]["code"]) == (3, "papers_missing")
    [(kind, body)] = await counter.facts_of(refused["code"])
    fact = DossierRefused.model_validate(body)
    assert (kind, fact.reason, fact.by, fact.officer) == ("refused", "papers_missing", "desk", "desk@H56.97.26")
    seen = await view(counter, refused["code"], desk)
    assert seen["people"]["applicant"]["name"] == PERSON["name"]
    assert seen["filed_at"] == seen["closed_at"] is not None
    assert told(await counter.act(refused["code"], "accept", desk)) == (409, "illegal_move")


async def test_what_no_place_may_receive_can_be_refused_all_the_same(counter: Counter) -> None:
    desk = counter.bearer("desk", DISTRICT_DESK)
    filing = await counter.filing()
    assert told(await counter.hand_in(filing, headers=desk)) == (422, "agency_receives")
    assert (await counter.refuse(filing, "not_competent", desk)).status_code == 201


@pytest.mark.parametrize(
    ("changes", "reason", "code"),
    [
        ({}, None, "reason_listed"),
        ({}, "papers_not_submitted", "reason_listed"),
        ({"procedure_code": "1.999999"}, "not_competent", "unknown_procedure"),
        ({"papers": [{"paper_code": "khong-co", "originals": 1}]}, "not_competent", "papers_of_pinned_list"),
    ],
)
async def test_a_refusal_that_cannot_be_is_none_and_takes_no_number(
    counter: Counter, changes: dict[str, Any], reason: str | None, code: str
) -> None:
    before = await counter.counts()
    assert told(await counter.refuse(await counter.filing() | changes, reason)) == (422, code)
    assert await counter.counts() == before


@pytest.mark.parametrize(
    ("procedure", "changes", "place", "code"),
    [
        ("2.000815", {}, COMMUNE, "online_offered"),
        ("1.001193", {}, DISTRICT_DESK, "agency_receives"),
        ("1.001193", {}, "H56.61", "agency_receives"),
        ("1.001193", {}, "H99.99", "agency_receives"),
        ("1.001193", {"area_code": "99999"}, COMMUNE, "area_unknown"),
        ("1.001193", {"case_code": "nowhere"}, COMMUNE, "unknown_procedure"),
        ("1.001193", {"papers": [{"paper_code": "khong-co", "originals": 1}]}, COMMUNE, "papers_of_pinned_list"),
    ],
)
async def test_what_cannot_be_registered_is_refused_by_its_code_and_takes_no_number(
    counter: Counter, procedure: str, changes: dict[str, Any], place: str, code: str
) -> None:
    before = await counter.counts()
    answer = await counter.register(await counter.filing(procedure) | changes, citizen(counter), place)
    assert told(answer) == (422, code)
    assert await counter.counts() == before


async def test_a_desk_registers_at_its_own_place_only(counter: Counter) -> None:
    filing = await counter.filing()
    assert told(await counter.register(filing, counter.bearer(), OTHER_COMMUNE)) == (403, "agency_not_allowed")
    assert told(await counter.register(filing, counter.bearer("desk", "H56.61"), "H56.61")) == (
        403,
        "agency_not_allowed",
    )
    code = (await counter.register(filing, counter.bearer())).json()["code"]
    assert told(await counter.http.get(f"/v1/registrations/{code}", headers=citizen(counter))) == (
        404,
        "dossier_unknown",
    )
    assert (await view(counter, code, counter.bearer()))["filed_by"] == "desk"
    assert (await counter.act(code, "accept", counter.bearer())).status_code == 200


async def test_only_the_place_acts_and_a_stranger_learns_nothing(counter: Counter) -> None:
    me = citizen(counter)
    code = (await registered(counter, me))["code"]
    before = await counter.counts()
    for action in ("ask_papers", "submit_papers", "accept", "refuse", "withdraw"):
        for stranger in (OTHER_COMMUNE, DISTRICT_DESK):
            assert told(await counter.act(code, action, counter.bearer("desk", stranger))) == (404, "dossier_unknown")
        assert told(await counter.act(code, action, counter.bearer("desk", "H56.97"))) == (403, "agency_not_allowed")
    for action in ("submit_papers", "withdraw"):
        assert told(await counter.act(code, action, citizen(counter))) == (404, "dossier_unknown")
    for action in ("ask_papers", "accept", "refuse"):
        assert told(await counter.act(code, action, me)) == (403, "role_not_allowed")
    for role in ("specialist", "leader"):
        assert told(await counter.act(code, "accept", counter.bearer(role))) == (403, "role_not_allowed")
    assert await counter.counts() == before
    assert (await view(counter, code, me))["version"] == 1


async def test_an_act_is_on_the_version_that_was_seen(counter: Counter) -> None:
    code = (await registered(counter))["code"]
    stale = await counter.act(code, "accept", counter.bearer(), 2)
    assert (told(stale), stale.headers["etag"]) == ((412, "version_stale"), '"1"')
    url, headers = f"/v1/dossiers/{code}/acts/accept", counter.bearer() | {"Idempotency-Key": "no-version"}
    assert told(await counter.http.post(url, headers=headers)) == (428, "if_match_missing")
    assert told(await counter.http.post(url, headers=counter.bearer() | {"If-Match": '"1"'})) == (
        400,
        "idempotency_key_missing",
    )


async def test_twenty_accepts_at_once_accept_once(counter: Counter) -> None:
    code = (await registered(counter))["code"]
    answers = await asyncio.gather(*(counter.act(code, "accept", counter.bearer()) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    assert [kind for kind, _ in await counter.facts_of(code)] == ["registered", "accepted"]


async def test_the_same_key_again_gives_the_stored_answer(counter: Counter) -> None:
    code = (await registered(counter))["code"]
    first, again = [await counter.act(code, "withdraw", counter.bearer(), key="withdraw-once") for _ in range(2)]
    assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
    assert [kind for kind, _ in await counter.facts_of(code)] == ["registered", "registration_withdrawn"]


async def test_what_is_not_to_be_done_names_the_state_and_what_is_possible(counter: Counter) -> None:
    me, desk = citizen(counter), counter.bearer()
    code = (await registered(counter, me))["code"]
    answer = await counter.act(code, "submit_papers", me, 1, {"papers": [{"paper_code": "x", "originals": 1}]})
    assert told(answer) == (409, "papers_were_asked")
    assert (answer.json()["state"], answer.json()["possible"]) == (1, ["withdraw"])
    assert answer.json()["detail"] == "Hồ sơ ở trạng thái 1 (mới đăng ký). Bạn có thể: rút hồ sơ."
    english = await counter.act(code, "refuse", desk | {"Accept-Language": "en"})
    assert english.json()["detail"].endswith(
        "The dossier is in state 1 (registered). You may: ask for papers, accept, refuse, withdraw."
    )
    assert (await counter.act(code, "accept", desk)).status_code == 200
    for action, bearer in itertools.product(("withdraw", "submit_papers"), (me, desk)):
        answer = await counter.act(code, action, bearer, 2)
        assert told(answer) == (409, "illegal_move")
        assert answer.json()["detail"].endswith("trạng thái 2 (được tiếp nhận). Bạn có thể: yêu cầu rút hồ sơ.")
        assert (answer.json()["state"], answer.json()["possible"]) == (2, ["request_withdrawal"])
    for action in ("ask_papers", "accept", "refuse"):
        assert told(await counter.act(code, action, desk, 2)) == (409, "illegal_move")


async def test_numbers_have_no_gap_whatever_becomes_of_the_dossiers(counter: Counter) -> None:
    desk, place = counter.bearer("desk", "H56.97.27"), "H56.97.27"
    filing = await counter.filing()

    async def one(turn: int) -> str:
        match turn % 3:
            case 0:
                answer = await counter.hand_in(filing, headers=desk)
            case 1:
                answer = await counter.register(filing, citizen(counter), place)
            case _:
                answer = await counter.refuse(filing, "not_eligible", desk)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["code"])

    codes = await asyncio.gather(*map(one, range(30)))
    assert sorted(int(code.rpartition("-")[2]) for code in codes) == list(range(1, 31))
    stored = await counter.database.fetchval("select count(*) from intake.dossiers where place = $1", place)
    assert stored == 30


async def test_the_list_of_a_place_pages_oldest_first_and_holds_nobody_elses(counter: Counter) -> None:
    place = "H56.97.28"
    desk = counter.bearer("desk", place)
    filing = await counter.filing()
    assert counter.stack.scenario_file is not None
    now = ScenarioClock(counter.stack.scenario_file).now()
    waiting = []
    for minute in range(7):
        counter.move_clock(now.replace(minute=now.minute + minute // 2))
        waiting.append((await counter.register(filing, citizen(counter), place)).json()["code"])
    gone = waiting.pop(3)
    assert (await counter.act(gone, "withdraw", desk)).status_code == 200
    await counter.hand_in(filing, headers=desk)
    await counter.refuse(filing, "not_eligible", desk)
    await counter.register(filing, citizen(counter), "H56.97.29")
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await counter.http.get(
                "/v1/registrations", params={"limit": 2} | ({"cursor": cursor} if cursor else {}), headers=desk
            )
        ).json()
        seen += [item["code"] for item in page["items"]]
        if (cursor := page["next_cursor"]) is None:
            break
        assert len(page["items"]) == 2
    assert seen == waiting
    assert page["items"][0]["name_vi"]
    for agency in ("H56.97", OTHER_COMMUNE):
        others = (
            await counter.http.get("/v1/registrations", params={"limit": 200}, headers=counter.bearer("leader", agency))
        ).json()
        assert not {item["code"] for item in others["items"]} & set(waiting)
    for wrong in ("x", "WyJub3doZW4iLCJhIl0"):
        answer = await counter.http.get("/v1/registrations", params={"cursor": wrong}, headers=desk)
        assert told(answer) == (422, "cursor_invalid")
    assert told(await counter.http.get("/v1/registrations", headers=citizen(counter))) == (403, "role_not_allowed")


async def test_what_may_be_filed_online_is_said_in_the_catalogue(counter: Counter) -> None:
    items = (await counter.http.get("/v1/procedures", params={"on": "2020-01-02"})).json()["items"]
    closed = {item["procedure_code"] for item in items if not item["online_offered"]}
    assert closed == {"2.000815", "2.000884", "2.001008", "2.000992", "2.001035", "2.001019"}
    assert {case["procedure_code"] for case in load_seed().catalogue["cases"]} > closed


async def rows_read(counter: Counter, path: str, query: str, *values: object) -> int:
    """How many rows of tables and indexes the database touched to answer a query within the scope of a path."""

    def of(node: dict[str, Any]) -> int:
        scanned = "Scan" in node["Node Type"] and "Function" not in node["Node Type"]
        touched = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if scanned else 0
        return int(touched * node["Actual Loops"]) + sum(map(of, node.get("Plans", [])))

    async with counter.database.transaction():
        await counter.database.execute("set local search_path = intake")
        await counter.database.fetchval(ENTER_SCOPE, "intake_api", *Scope((path,)).settings)
        explained = await counter.database.fetchval(f"explain (analyze, format json) {query}", *values)
    return of(json.loads(explained)[0]["Plan"])


async def test_a_page_of_ten_thousand_registrations_is_one_indexed_read(counter: Counter) -> None:
    code = (await registered(counter))["code"]
    fill = """
        insert into intake.dossiers
        select (jsonb_populate_record(d, jsonb_build_object(
            'code', 'bulk-' || n, 'number', 100000 + n, 'received_path', '90.97.3' || n % 2 || '.',
            'filed_at', d.filed_at + n * interval '1 second'
        ))).*
        from intake.dossiers d, generate_series(1, 20000) n where d.code = $1
    """
    await counter.database.execute(fill, code)
    try:
        await counter.database.execute("analyze intake.dossiers")
        after = (FIRST_MORNING, "")
        assert await rows_read(counter, "90.97.30.", WAITING, ["90.97.30."], *after, 51) <= 2 * 51
        assert await rows_read(counter, "90.97.30.", WAITING, ["90.97.30."], *after, 20_000) >= 10_000
    finally:
        await counter.database.execute("delete from intake.dossiers where code like 'bulk-%'")
