"""A dossier is sent back, taken back and given to another officer, over HTTP on the real database."""

from __future__ import annotations

import json
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from tests.integration.processing.hall import DISTRICT_DESK, Hall

SHORT = ("2.000528", "default")
DESK, CHIEF = ("desk", DISTRICT_DESK), ("leader", "H56.97.04")
ANNA, BOB = ("specialist", "H56.97.04", "anna"), ("specialist", "H56.97.04", "bob")


async def done(hall: Hall, code: str, action: str, officer: Any, body: Any = None) -> dict[str, Any]:
    version = (await hall.dossier(code))["version"]
    answer = await hall.act(code, action, officer, version, body)
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["version"] == version + 1
    return dict(answer.json())


async def codes_for(hall: Hall, officer: tuple[str, ...]) -> set[str]:
    return {item["code"] for item in await hall.worklist(*officer)}


async def test_a_dossier_goes_back_and_forth_and_every_stay_is_kept(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    begin = hall.now()
    await done(hall, code, "assign", DESK, {"officer": "anna", "agency": "H56.97.04"})
    hall.move_clock(begin + timedelta(minutes=10))
    await done(hall, code, "forward", ANNA)
    assert (code in await codes_for(hall, ANNA), code in await codes_for(hall, CHIEF)) == (False, True)
    hall.move_clock(begin + timedelta(minutes=20))
    recalled = await done(hall, code, "recall", ANNA)
    assert [(duty["action"], duty["holder"]) for duty in recalled["open_duties"]] == [("forward", "anna")]
    assert (code in await codes_for(hall, ANNA), code in await codes_for(hall, CHIEF)) == (True, False)
    hall.move_clock(begin + timedelta(minutes=30))
    await done(hall, code, "forward", ANNA)
    await done(hall, code, "take", CHIEF)
    hall.move_clock(begin + timedelta(minutes=40))
    await done(hall, code, "return_step", CHIEF, {"to_step": 2, "reason": "draft_faulty"})
    await done(hall, code, "reassign", CHIEF, {"officer": "bob", "agency": "H56.97.04"})
    assert (code in await codes_for(hall, ANNA), code in await codes_for(hall, BOB)) == (False, True)
    steps = (await hall.dossier(code))["steps"]
    assert [step["status"] for step in steps] == ["done", "open", "waiting", "waiting", "waiting"]
    assert (steps[1]["holder"], steps[1]["taken"]) == ("bob", False)

    def minutes(step: dict[str, Any]) -> list[tuple[str, str]]:
        return [(stay["opened_at"], stay["left_at"]) for stay in step["earlier"]]

    def moment(after: int) -> str:
        return (begin + timedelta(minutes=after)).isoformat()

    assert minutes(steps[1]) == [(moment(0), moment(10)), (moment(20), moment(30))]
    assert minutes(steps[2]) == [(moment(10), moment(20)), (moment(30), moment(40))]
    assert steps[1]["opened_at"] == moment(40)
    told = [name for name, _ in await hall.facts_of(code)]
    assert told == [
        *("assigned", "step_completed", "step_recalled", "step_completed", "step_taken", "step_returned", "reassigned"),
    ]
    body = await hall.database.fetchval(
        "select convert_from(body, 'utf8') from processing.journal where subject = $1 and type like '%step_returned%'",
        code,
    )
    assert json.loads(body) == {
        "catalogue_version": hall.catalogue.version,
        "calendar_version": hall.calendar.version,
        "state": 4,
        "step_no": 3,
        "agency": "H56.97.04",
        "officer": "leader.H56.97.04",
        "to_step": 2,
        "to_agency": "H56.97.04",
        "to_officer": "anna",
        "reason": "draft_faulty",
    }
    await done(hall, code, "forward", BOB)
    duty, version = await hall.walk_until(code, "hand_over")
    assert (await hall.do(code, duty, version))["state"] == 10


async def test_an_agency_that_is_asked_sees_the_dossier_and_owes_an_answer_beside_the_flow(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    await done(hall, code, "assign", DESK, {"officer": "anna", "agency": "H56.97.04"})
    asked, head = ("specialist", "H56.97.30"), ("leader", "H56.97.31")
    for officer in (asked, head):
        unknown = await hall.http.get(f"/v1/dossiers/{code}", headers=hall.bearer(*officer))
        assert unknown.json()["code"] == "dossier_unknown"
    for agency in ("H56.97.30", "H56.97.31"):
        await done(hall, code, "ask_agency", ANNA, {"agency": agency})
    asked_at = hall.now().isoformat()
    item = await hall.item(code, *asked)
    assert [(duty["action"], duty["step_no"], duty["agency"]) for duty in item["duties"]] == [
        ("answer_agency", 2, "H56.97.04")
    ]
    owed = await hall.duties(code)
    assert [(duty["action"], duty["agency"]) for duty in owed] == [
        *(("forward", "H56.97.04"), ("answer_agency", "H56.97.30"), ("answer_agency", "H56.97.31")),
    ]
    await done(hall, code, "forward", ANNA)
    await hall.do(code, owed[1], (await hall.dossier(code, *asked))["version"])
    assert code not in {item["code"] for item in await hall.worklist(*asked)}
    await done(hall, code, "answer_agency", head)
    seen = await hall.dossier(code, *asked)
    assert [(ask["agency"], ask["asked_by"], ask["asked_at"], ask["answered_by"]) for ask in seen["asks"]] == [
        ("H56.97.30", "anna", asked_at, "specialist.H56.97.30"),
        ("H56.97.31", "anna", asked_at, "leader.H56.97.31"),
    ]
    told = [name for name, _ in await hall.facts_of(code)]
    assert told == ["assigned", *("agency_asked",) * 2, "step_completed", *("agency_answered",) * 2]
    neighbour = await hall.http.get(f"/v1/dossiers/{code}", headers=hall.bearer("specialist", "H56.97.32"))
    assert neighbour.json()["code"] == "dossier_unknown"


async def test_the_acts_are_listed_with_their_reasons_for_everybody(hall: Hall) -> None:
    listed = (await hall.http.get("/v1/acts")).json()["items"]
    returning = next(entry for entry in listed if entry["code"] == "return_step")
    assert {"code": "draft_faulty", "name_vi": "Dự thảo kết quả có sai sót"}.items() <= returning["reasons"][3].items()
    assert next(entry for entry in listed if entry["code"] == "sign")["reasons"] == []
