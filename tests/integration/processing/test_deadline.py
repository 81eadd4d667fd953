"""Why a dossier is due when it is, over HTTP; and every stored clock held against its facts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import httpx2

from deploy.cli.outcome import Exit
from deploy.cli.readers import acting
from deploy.clock.verifying import ClockVerifier
from services.processing.domain.refolding import Difference
from shared.rulebook.limits import due
from tests.integration.processing.hall import DISTRICT_DESK, Hall
from tests.integration.processing.test_detours import done
from tests.operating import motcua

SHORT = ("2.000528", "default")
DESK = ("desk", DISTRICT_DESK)
PAPER = "tk-khai-sinh"


async def supplemented(hall: Hall) -> str:
    """A dossier that waited for a paper over a night, and goes on."""
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    await done(hall, code, "request_supplement", DESK, {"papers": [PAPER]})
    await hall.tomorrow()
    await hall.papers_arrive(code, [PAPER])
    await done(hall, code, "receive_supplement", DESK)
    return code


async def applicant(hall: Hall, code: str) -> dict[str, str]:
    given = await hall.http.post("/v1/tracking", json={"code": code, "secret": hall.secrets[code]})
    return {"Authorization": f"Bearer {given.json()['token']}"}


async def deadline(hall: Hall, code: str, headers: dict[str, str]) -> httpx2.Response:
    return await hall.http.get(f"/v1/dossiers/{code}/deadline", headers=headers)


@asynccontextmanager
async def rotten(hall: Hall, code: str, change: str) -> AsyncIterator[None]:
    """Change a stored case by hand, as somebody with the database's keys could, for a while."""
    query = "select row_to_json(c) from processing.cases c where code = $1"
    before = json.loads(await hall.database.fetchval(query, code))
    names = [part.split("=")[0].strip() for part in change.split(", ")]
    await hall.database.execute(f"update processing.cases set {change} where code = $1", code)
    try:
        yield
    finally:
        restored = ", ".join(f"{name} = (jsonb_populate_record(c, $2::jsonb)).{name}" for name in names)
        restore = f"update processing.cases c set {restored} where code = $1"
        await hall.database.execute(restore, code, json.dumps(before))


@asynccontextmanager
async def rotten_step(hall: Hall, code: str, step_no: int, change: str) -> AsyncIterator[None]:
    """The same of a step."""
    where = "where code = $1 and step_no = $2"
    before = await hall.database.fetchval(f"select opened_at from processing.steps {where}", code, step_no)
    await hall.database.execute(f"update processing.steps set {change} {where}", code, step_no)
    try:
        yield
    finally:
        await hall.database.execute(f"update processing.steps set opened_at = $3 {where}", code, step_no, before)


def due_moments(shown: dict[str, Any]) -> dict[str, Any]:
    """The end of the last line of each limit's counting in force: what the explanation adds up to."""
    return {f"{name}_due": shown[name]["runs"][-1]["lines"][-1]["to"] for name in ("promised", "statutory")}


async def test_a_deadline_is_explained_day_by_day_to_officers_and_to_its_applicant(hall: Hall) -> None:
    code = await supplemented(hall)
    told = await deadline(hall, code, hall.bearer("auditor", "H56.90"))
    shown, stored = told.json(), await hall.dossier(code)
    assert due_moments(shown) == {name: stored[name] for name in ("promised_due", "statutory_due")}
    (pause,) = shown["pauses"]
    assert (pause["officer"], pause["ended_by"]) == (f"desk.{DISTRICT_DESK}", f"desk.{DISTRICT_DESK}")
    assert (pause["basis"]["code"], pause["papers"][0]["code"]) == ("nd61_2018_d19", PAPER)
    for name in ("promised", "statutory"):
        limit = shown[name]
        assert sum(line["counted"] for line in limit["runs"][-1]["lines"]) == limit["wanted"]
        assert limit["due_at"] == stored[f"{name}_due"]
    bearer = await applicant(hall, code)
    track = (await hall.http.get(f"/v1/tracking/{code}", headers=bearer)).json()
    public = await hall.http.get(track["deadline"], headers=bearer)
    assert public.status_code == HTTPStatus.OK, public.text
    steps = {step["step_no"]: step for step in shown["steps"]}
    assert steps[1]["used_seconds"] == 0
    assert steps[2]["runs_out_at"] is not None
    assert public.json() == {**shown, "pauses": [{**pause, "officer": None, "ended_by": None}], "steps": None}
    assert f"desk.{DISTRICT_DESK}" not in public.text


async def test_a_dossier_that_counts_from_before_its_record_is_flagged_and_verified(hall: Hall) -> None:
    kind, recorded_at = hall.catalogue.case(*SHORT), await hall.tomorrow()
    received = recorded_at - timedelta(minutes=20)
    said = {"evidence": "desk_register", "approved_by": "leader.of.it", "approving_agency": "H56.97"}
    code = hall.next_code(kind)
    dues = {
        f"{name}_due": due(hall.calendar, limit, received)
        for name, limit in (("promised", kind.promised_limit), ("statutory", kind.statutory_limit))
    }
    draft = hall.accepted(code, kind, backdating={**said, "recorded_at": recorded_at}, **dues)
    await hall.publish(replace(draft, legal_time=received))
    await hall.opened(code)
    shown = (await deadline(hall, code, hall.bearer("auditor", "H56.90"))).json()
    assert shown["accepted_at"] == received.isoformat()
    assert shown["backdating"]["recorded_at"] == recorded_at.isoformat()
    assert shown["backdating"]["officer"] == "leader.of.it"
    public = await deadline(hall, code, await applicant(hall, code))
    assert public.json()["backdating"] == {**shown["backdating"], "officer": None}
    assert (await found_of(hall, [code]))[code] == {}
    async with rotten(hall, code, "recorded_at = null, evidence = null, approved_by = null, approving_agency = null"):
        assert "recorded_at" in (await found_of(hall, [code]))[code]


async def test_an_overdue_dossier_says_which_agency_it_is_late_by(hall: Hall) -> None:
    """Its first step is let lie: all that it is late by is that agency's."""
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    while hall.now() <= datetime.fromisoformat((await hall.dossier(code))["promised_due"]):
        await hall.tomorrow()
    shown = (await deadline(hall, code, hall.bearer("auditor", "H56.90"))).json()
    late = shown["lateness"]["seconds"]
    (step,) = [each for each in shown["steps"] if each["status"] == "open"]
    (part,) = shown["lateness"]["by_agency"]
    assert (part["agency"], part["lateness_seconds"]) == (step["agency"], late)
    assert step["lateness_seconds"] == late > 0
    assert step["overrun_seconds"] == step["used_seconds"] - step["allowance_seconds"] > 0
    public = (await deadline(hall, code, await applicant(hall, code))).json()
    assert (public["steps"], public["lateness"]) == (None, shown["lateness"])


async def test_the_explanation_can_be_printed_in_either_language(hall: Hall) -> None:
    code = await supplemented(hall)
    bearer = {**await applicant(hall, code), "Accept": "text/plain"}
    vietnamese, english = [await deadline(hall, code, {**bearer, "Accept-Language": each}) for each in ("vi", "en")]
    for answer, language, title in (
        (vietnamese, "vi", "GIẢI TRÌNH THỜI HẠN GIẢI QUYẾT HỒ SƠ"),
        (english, "en", "WHY IT IS DUE WHEN IT IS"),
    ):
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert (answer.headers["content-language"], answer.headers["cache-control"]) == (language, "no-store")
        assert answer.text.startswith(title)
        assert code in answer.text.splitlines()[0]
    assert "Căn cứ: Nghị định 61/2018/NĐ-CP" in vietnamese.text


async def test_a_deadline_is_unknown_to_whoever_may_neither_track_nor_read_the_dossier(hall: Hall) -> None:
    code, other = [await hall.accept(hall.catalogue.case(*SHORT)) for _ in range(2)]
    for headers, status in (
        (await applicant(hall, other), HTTPStatus.NOT_FOUND),
        (hall.bearer("desk", "H56.97.30"), HTTPStatus.NOT_FOUND),
        (hall.bearer("desk", "H56.61"), HTTPStatus.FORBIDDEN),
        (hall.bearer("operator"), HTTPStatus.FORBIDDEN),
        (hall.bearer("citizen", subject=code), HTTPStatus.FORBIDDEN),
        ({"Authorization": "Bearer forged"}, HTTPStatus.UNAUTHORIZED),
        ({}, HTTPStatus.UNAUTHORIZED),
    ):
        answer = await deadline(hall, code, headers)
        assert answer.status_code == status, answer.text
        assert code not in answer.text


async def test_weakness_4_a_sum_that_differs_from_the_due_moment_in_force_is_never_shown(hall: Hall) -> None:
    """The systems in use add days to a date, and show what comes of it."""
    code = await supplemented(hall)
    auditor = hall.bearer("auditor", "H56.90")
    async with rotten(hall, code, "promised_due = promised_due + interval '1 day'"):
        answer = await deadline(hall, code, auditor)
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.INTERNAL_SERVER_ERROR, "deadline_differs")
        assert "runs" not in answer.text
    assert (await deadline(hall, code, auditor)).status_code == HTTPStatus.OK


Found = dict[str, dict[str, tuple[str, str]]]


def by_code(found: Iterable[Difference], codes: Sequence[str]) -> Found:
    """Code → what → stored, by its facts; of these dossiers, for others are rotten on purpose elsewhere."""
    there: Found = {code: {} for code in codes}
    for code, what, stored, reckoned in found:
        if code in there:
            there[code][what] = (stored, reckoned)
    return there


async def found_of(hall: Hall, codes: Sequence[str]) -> Found:
    """What is found in these dossiers, looked at in portions of three."""
    folder = hall.stack.folder
    async with acting(folder, "processing") as processing, acting(folder, "intake") as intake:
        verifier = ClockVerifier(processing.pool, intake.pool, await processing.rules(), portion=3)
        portions = [each async for each in verifier.portions()]
        count = await verifier.count()
        assert sum(looked for looked, _ in portions) == count
        assert max(looked for looked, _ in portions) == min(3, count)
    return by_code([each for _, found in portions for each in found], codes)


async def test_every_clock_is_what_its_facts_add_up_to_until_somebody_moves_one(hall: Hall) -> None:
    """Weakness 1 too: a finish that is set back to the due moment."""
    moved, stopped, done_with, dropped = [await supplemented(hall) for _ in range(4)]
    duty, version = await hall.walk_until(done_with, "hand_over")
    await hall.do(done_with, duty, version)
    waits = await hall.accept(hall.catalogue.case(*SHORT))
    await done(hall, waits, "request_supplement", DESK, {"papers": [PAPER]})
    codes = (moved, stopped, done_with, dropped, waits)
    assert await found_of(hall, codes) == {code: {} for code in codes}
    due = datetime.fromisoformat((await hall.dossier(moved))["statutory_due"])
    later, finished = due + timedelta(days=1), await hall.dossier(done_with)
    for table in ("halts", "duties", "timers", "steps", "cases"):
        await hall.database.execute(f"delete from processing.{table} where code = $1", dropped)
    async with (
        rotten(hall, moved, "statutory_due = statutory_due + interval '1 day'"),
        rotten(hall, stopped, f"state = 8, closed_at = '{later.isoformat()}'"),
        rotten(hall, done_with, "finished_at = promised_due"),
        rotten(hall, waits, "promised_paused_since = null"),
        rotten_step(hall, waits, 2, "opened_at = opened_at + interval '1 hour'"),
    ):
        found = await found_of(hall, codes)
        code, out, errors = await motcua(hall.stack, "verify", "clocks", "--json")
    assert found == {
        moved: {"statutory_due": (later.isoformat(), due.isoformat())},
        stopped: {"state": ("8", "2"), "closed_at": (later.isoformat(), "none")},
        done_with: {"finished_at": (finished["promised_due"], finished["finished_at"])},
        dropped: {"case": ("none", "accepted")},
        waits: {
            "promised_paused_since": ("none", hall.now().isoformat()),
            "step 2 opened_at": ((hall.now() + timedelta(hours=1)).isoformat(), hall.now().isoformat()),
        },
    }
    assert code == Exit.PROBLEMS_FOUND, errors
    assert by_code([Difference(**json.loads(line)) for line in out.splitlines()], codes) == found
    assert "are stored otherwise than their facts say" in errors
    assert await found_of(hall, (moved, stopped, done_with, waits)) == {
        code: {} for code in (moved, stopped, done_with, waits)
    }
