"""The clock is stopped and goes on, over HTTP on the real database: due moments, timers, duties, facts, figures."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from deploy.demo.witnesses.sql import COUNT_YEAR
from shared.clocks import OFFICE_ZONE
from shared.contracts.facts import FACTS, PausingFact, ResumingFact, SupplementReceived
from shared.rulebook.pauses import EVENTS, Event, PauseKind, pauses_of
from shared.rulebook.reckoning import reckon
from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall
from tests.integration.processing.test_detours import done
from tests.integration.processing.test_redress import timers

SHORT, LAND, TAXED = ("2.000528", "default"), ("1.012784", "default"), ("1.012783", "special")
DESK, CLERK = ("desk", DISTRICT_DESK), ("desk", COMMUNE)
ANNA, CHIEF = ("specialist", "H56.97.04"), ("leader", "H56.97.04")
SURVEYOR, HEAD = ("specialist", "H56.92.01"), ("leader", "H56.92.01")
SECOND = timedelta(seconds=1)
WARNINGS = {"half_time", "draft_apology", "become_overdue"}


async def facts_told(hall: Hall, code: str) -> list[tuple[Any, datetime]]:
    query = "select type, convert_from(body, 'utf8') as body, legal_time from processing.journal where subject = $1"
    rows = await hall.database.fetch(f"{query} order by seq", code)
    return [(FACTS[row["type"]].model_validate_json(row["body"]), row["legal_time"]) for row in rows]


def events(told: list[tuple[Any, datetime]]) -> list[Event]:
    """Fold the facts into what began and ended the pauses; nothing else is looked at."""
    found = []
    for fact, at in told:
        name = fact.TYPE.split(".")[3]
        kind = PauseKind(getattr(fact, "period", name.partition("_")[0]))
        begins, ends = EVENTS[kind]
        if isinstance(fact, PausingFact):
            found.append(Event(at, begins))
        elif isinstance(fact, ResumingFact):
            found.append(Event(fact.arrived_at if isinstance(fact, SupplementReceived) else at, ends))
    return found


async def refolds(hall: Hall, code: str) -> None:
    """Hold the stored due moments and the last that was told against a refold of the facts, for both limits."""
    seen = await hall.dossier(code)
    kind = hall.catalogue.case(seen["procedure_code"], seen["case_code"])
    told = [(f, at) for f, at in await facts_told(hall, code) if isinstance(f, PausingFact | ResumingFact)]
    for name, limit in (("statutory", kind.statutory_limit), ("promised", kind.promised_limit)):
        accepted_at = datetime.fromisoformat(seen["accepted_at"])
        stands = reckon(hall.calendar, limit, accepted_at, pauses_of(events(told)), kind.supplement_policy)
        since = seen[f"{name}_paused_since"]
        assert stands.paused_since == (None if since is None else datetime.fromisoformat(since))
        if stands.due_at is not None:
            assert stands.due_at == datetime.fromisoformat(seen[f"{name}_due"])
        assert getattr(told[-1][0], f"{name}_due") == stands.due_at


async def counted_as(hall: Hall, code: str) -> set[str]:
    """What the third witness of the year counts this dossier as now."""
    row = await hall.database.fetchrow(f"{COUNT_YEAR} and code = $2", hall.now(), code)
    return {name for name, number in dict(row or {}).items() if number} - {"received"}


async def version_of(hall: Hall, code: str) -> int:
    return int((await hall.dossier(code))["version"])


async def test_a_supplement_stops_the_clock_until_the_last_paper_has_arrived(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    was_due = datetime.fromisoformat((await hall.dossier(code))["promised_due"])
    asked = await done(hall, code, "request_supplement", DESK, {"papers": ["tk-khai-sinh", "giay-chung-sinh"]})
    asked_at = hall.now()
    assert (asked["state"], asked["open_duties"]) == (5, [])
    seen = await hall.dossier(code)
    assert seen["promised_paused_since"] == seen["statutory_paused_since"] == asked_at.isoformat()
    assert [(halt["officer"], halt["basis"], halt["limit_at"] > seen["promised_due"]) for halt in seen["halts"]] == [
        (f"desk.{DISTRICT_DESK}", "nd61_2018_d19", True)
    ]
    assert set(await timers(hall, code)) == {"supplement_limit"}
    await refolds(hall, code)
    hall.move_clock(was_due + timedelta(hours=1))
    await hall.timers_fired()
    assert await counted_as(hall, code) == {"in_progress_within_limit"}, "paused, and so never overdue"
    await hall.papers_arrive(code, ["tk-khai-sinh"], ["giay-chung-sinh"])
    assert (await hall.dossier(code))["promised_paused_since"] == asked_at.isoformat()
    arrived_at = await hall.tomorrow()
    await hall.papers_arrive(code, ["giay-chung-sinh"])
    seen = await hall.dossier(code)
    assert (seen["state"], seen["version"], seen["promised_paused_since"]) == (5, 2, None)
    due = arrived_at.replace(hour=17, minute=0)
    assert datetime.fromisoformat(seen["promised_due"]) == due
    assert set(await timers(hall, code)) == WARNINGS
    item = await hall.item(code, *DESK)
    assert [duty["action"] for duty in item["duties"]] == ["receive_supplement"]
    assert (datetime.fromisoformat(item["promised_due"]), item["paused_since"]) == (due, None)
    hall.move_clock(arrived_at + timedelta(hours=1))
    received = await done(hall, code, "receive_supplement", DESK)
    assert (received["state"], [duty["action"] for duty in received["open_duties"]]) == (2, ["assign"])
    await refolds(hall, code)
    told, at = (await facts_told(hall, code))[-1]
    assert (told.arrived_at, told.promised_due, at) == (arrived_at, due, hall.now())
    hall.move_clock(due + SECOND)
    await hall.timers_fired()
    assert dict(await hall.facts_of(code))["became_overdue"] == due
    assert await counted_as(hall, code) == {"in_progress_overdue"}


async def test_a_dossier_that_waits_too_long_is_refused_and_nobody_is_judged(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    await done(hall, code, "request_supplement", DESK, {"papers": ["tk-khai-sinh"]})
    limit = datetime.fromisoformat((await hall.dossier(code))["halts"][0]["limit_at"])
    hall.move_clock(limit + SECOND)
    await hall.timers_fired()
    assert dict(await hall.facts_of(code))["supplement_limit_reached"] == limit
    item = await hall.item(code, *DESK)
    assert ([duty["action"] for duty in item["duties"]], item["paused_since"]) == (
        ["refuse_after_limit"],
        (await hall.dossier(code))["promised_paused_since"],
    )
    refused = await done(hall, code, "refuse_after_limit", DESK)
    assert (refused["state"], refused["open_duties"]) == (3, [])
    assert await timers(hall, code) == {}
    assert await counted_as(hall, code) == {"closed_without_result"}
    again = await hall.act(code, "receive_supplement", DESK, refused["version"])
    assert (again.status_code, again.json()["code"]) == (HTTPStatus.CONFLICT, "illegal_move")


async def test_a_second_supplement_needs_a_leader(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    paper = {"papers": ["tk-khai-sinh"]}
    await done(hall, code, "assign", DESK, {"officer": "specialist.H56.97.04", "agency": "H56.97.04"})
    await done(hall, code, "request_supplement", ANNA, paper)
    await hall.papers_arrive(code, paper["papers"])
    await done(hall, code, "receive_supplement", DESK)
    proposed = await done(hall, code, "propose_supplement", ANNA, {"papers": ["giay-chung-sinh"]})
    assert ("approve_supplement", "leader") in {(duty["action"], duty["role"]) for duty in proposed["open_duties"]}
    assert (await hall.dossier(code))["proposal"]["papers"] == ["giay-chung-sinh"]
    assert "approve_supplement" in [duty["action"] for duty in (await hall.item(code, *CHIEF))["duties"]]
    approved = await done(hall, code, "approve_supplement", CHIEF)
    assert approved["state"] == 5
    seen = await hall.dossier(code)
    assert (seen["proposal"], [halt["papers"] for halt in seen["halts"]]) == (
        None,
        [["tk-khai-sinh"], ["giay-chung-sinh"]],
    )
    told, _ = (await facts_told(hall, code))[-1]
    assert (told.number, told.proposed_by) == (2, "specialist.H56.97.04")
    await refolds(hall, code)


async def test_a_restart_goes_back_to_the_first_step_and_the_whole_limit_runs_again(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case("1.012783", "default"))
    duty, version = await hall.walk_until(code, "sign")
    assert duty["step_no"] > 2
    paper = hall.catalogue.case("1.012783", "default").papers[0].code
    asked = await hall.act(code, "request_supplement", CLERK, version, {"papers": [paper]})
    assert asked.status_code == HTTPStatus.OK, asked.text
    arrived_at = await hall.tomorrow()
    await hall.papers_arrive(code, [paper])
    received = await done(hall, code, "receive_supplement", CLERK)
    assert (received["state"], [duty["action"] for duty in received["open_duties"]]) == (2, ["assign"])
    seen = await hall.dossier(code)
    assert {step["status"] for step in seen["steps"][2:]} == {"waiting"}
    second_day = hall.calendar.next_working_day(hall.calendar.next_working_day(arrived_at.date()))
    assert datetime.fromisoformat(seen["promised_due"]) == hall.calendar.close(second_day)
    await refolds(hall, code)
    duty, version = await hall.walk_until(code, "hand_over")
    await hall.do(code, duty, version)
    assert (await hall.dossier(code))["state"] == 10


async def test_a_payment_and_a_survey_stop_the_clock(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*LAND))
    _, version = await hall.walk_until(code, "forward")
    paused = await hall.act(code, "pause", SURVEYOR, version, {"period": "survey"})
    assert paused.status_code == HTTPStatus.OK, paused.text
    assert [(duty["action"], duty["step_no"]) for duty in paused.json()["open_duties"]] == [("resume", 2)]
    assert await timers(hall, code) == {}
    await refolds(hall, code)
    await hall.tomorrow()
    await hall.tomorrow()
    resumed = await done(hall, code, "resume", SURVEYOR)
    assert [(duty["action"], duty["step_no"]) for duty in resumed["open_duties"]] == [("forward", 2)]
    assert set(await timers(hall, code)) == WARNINGS
    await refolds(hall, code)
    await done(hall, code, "demand_payment", SURVEYOR, {"amount_vnd": 1_250_000})
    waits = await hall.dossier(code)
    assert (waits["state"], waits["payment_status"]) == (6, "demanded")
    assert (waits["delivery_status"], waits["synchronisation_status"]) == ("nothing_to_deliver", "not_connected")
    assert [(duty["action"], duty["agency"]) for duty in waits["open_duties"]] == [("record_payment", COMMUNE)]
    await hall.tomorrow()
    await done(hall, code, "record_payment", CLERK, {"amount_vnd": 1_250_000})
    seen = await hall.dossier(code)
    assert (seen["state"], seen["payment_status"], len(seen["halts"])) == (4, "paid", 2)
    await refolds(hall, code)
    promised = [fact.promised_due for fact, _ in await facts_told(hall, code) if isinstance(fact, ResumingFact)]
    assert promised == sorted(set(promised)), "each pause moves the due moment on"
    duty, version = await hall.walk_until(code, "hand_over")
    await hall.do(code, duty, version)
    end = await hall.dossier(code)
    assert (end["state"], end["delivery_status"], end["payment_status"]) == (10, "handed_over", "paid")


async def test_who_does_not_pay_and_who_withdraws_is_closed_without_a_result(hall: Hall) -> None:
    await hall.tomorrow()
    unpaid, wanted_back, begun = [await hall.accept(hall.catalogue.case(*SHORT)) for _ in range(3)]
    assign = {"officer": "specialist.H56.97.04", "agency": "H56.97.04"}
    for code in (unpaid, begun):
        await done(hall, code, "assign", DESK, assign)
    await done(hall, begun, "forward", ANNA)
    await done(hall, unpaid, "demand_payment", ANNA, {"amount_vnd": 5})
    for code in (wanted_back, begun):
        await hall.asks_to_withdraw(code)
    assert (await version_of(hall, wanted_back), await version_of(hall, begun)) == (1, 3)
    assert "withdraw" in [duty["action"] for duty in (await hall.item(wanted_back, *DESK))["duties"]]
    withdrawn = await done(hall, wanted_back, "withdraw", DESK)
    stopped = await done(hall, begun, "stop", CHIEF)
    limit = datetime.fromisoformat((await hall.dossier(unpaid))["halts"][0]["limit_at"])
    hall.move_clock(limit + SECOND)
    await hall.timers_fired()
    assert dict(await hall.facts_of(unpaid))["payment_limit_reached"] == limit
    assert (await hall.dossier(unpaid))["payment_status"] == "unpaid"
    ended = await done(hall, unpaid, "stop_unpaid", CHIEF)
    assert [answer["state"] for answer in (withdrawn, stopped, ended)] == [7, 8, 8]
    assert [answer["open_duties"] for answer in (withdrawn, stopped, ended)] == [[], [], []]
    for code in (unpaid, wanted_back, begun):
        assert await counted_as(hall, code) == {"closed_without_result"}
    causes = [(await facts_told(hall, code))[-1][0].cause for code in (begun, unpaid)]
    assert causes == ["withdrawal", "unpaid"]
    closed_at = (await hall.dossier(unpaid))["closed_at"]
    assert datetime.fromisoformat(closed_at) == (limit + SECOND).astimezone(OFFICE_ZONE)


async def test_the_applicant_sees_what_is_waited_for(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    await done(hall, code, "request_supplement", DESK, {"papers": ["tk-khai-sinh"]})
    given = await hall.http.post("/v1/tracking", json={"code": code, "secret": hall.secrets[code]})
    track = await hall.http.get(f"/v1/tracking/{code}", headers={"Authorization": f"Bearer {given.json()['token']}"})
    seen = json.loads(track.text)
    assert (seen["state"], seen["paused_since"]) == (5, hall.now().isoformat())
    (halt,) = seen["halts"]
    assert (halt["kind"], halt["missing"], halt["ends_at"]) == ("supplement", ["tk-khai-sinh"], None)
    assert "officer" not in halt
