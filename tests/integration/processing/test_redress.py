"""A signature is voided, a finished dossier reopened, a result corrected, over HTTP on the real database."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from deploy.demo.witnesses.sql import sql_of
from tests.integration.processing.hall import DISTRICT_DESK, Hall
from tests.integration.processing.test_detours import done

SHORT = ("2.000528", "default")
BOSS, STRANGER = ("leader", "H56.97"), ("leader", DISTRICT_DESK)
REOPEN = {"reason": "result_faulty"}


async def finished(hall: Hall, code: str) -> None:
    duty, version = await hall.walk_until(code, "finish")
    await hall.do(code, duty, version)


async def timers(hall: Hall, code: str) -> dict[str, datetime]:
    rows = await hall.database.fetch("select kind, due_at from processing.timers where code = $1", code)
    return {row["kind"]: row["due_at"] for row in rows}


async def counted(hall: Hall) -> Counter[str]:
    return Counter((await sql_of(hall.database, hall.now())).figures)


def grown(before: Counter[str], after: Counter[str]) -> dict[str, int]:
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


async def fact(hall: Hall, code: str, kind: str) -> dict[str, Any]:
    query = "select convert_from(body, 'utf8') from processing.journal where subject = $1 and type like $2"
    found: dict[str, Any] = json.loads(await hall.database.fetchval(query, code, f"%.{kind}.v1"))
    return found


async def test_a_result_is_reopened_voided_done_again_handed_over_and_corrected(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    owed_by_the_clock = await timers(hall, code)
    await finished(hall, code)
    ready = await hall.dossier(code)
    assert (ready["state"], await timers(hall, code)) == (9, {})
    stranger = await hall.act(code, "reopen", STRANGER, ready["version"], REOPEN)
    assert (stranger.status_code, stranger.json()["code"]) == (HTTPStatus.FORBIDDEN, "agency_not_allowed")
    assert (stranger.json()["state"], stranger.json()["possible"]) == (9, [])
    reopened = await done(hall, code, "reopen", BOSS, REOPEN)
    assert [(duty["action"], duty["agency"]) for duty in reopened["open_duties"]] == [("finish", DISTRICT_DESK)]
    assert await timers(hall, code) == owed_by_the_clock
    seen = await hall.dossier(code)
    assert (seen["state"], seen["finished_at"], seen["finished_late_at"]) == (4, None, None)
    voided = await done(hall, code, "void_signature", BOSS, {"reason": "signed_by_mistake"})
    assert (voided["result_number"], [duty["action"] for duty in voided["open_duties"]]) == (None, ["sign"])
    assert (await fact(hall, code, "signature_voided"))["result_number"] == ready["result_number"]
    duty, version = await hall.walk_until(code, "hand_over")
    await hall.do(code, duty, version)
    end = await hall.dossier(code)
    assert int(end["result_number"].split("/")[0]) == int(ready["result_number"].split("/")[0]) + 1
    corrected = await done(hall, code, "correct_result", BOSS, {"reason": "clerical_error"})
    assert (corrected["state"], corrected["open_duties"]) == (10, [])
    assert (await hall.dossier(code))["corrected_at"] == hall.now().isoformat()
    told = [name for name, _ in await hall.facts_of(code)]
    assert Counter(told) == {
        **dict.fromkeys(("assigned", "result_reopened", "signature_voided", "result_handed_over"), 1),
        **dict.fromkeys(("result_signed", "result_numbered", "result_ready", "step_completed"), 2),
        **dict.fromkeys(("step_taken", "result_corrected"), 1),
    }
    assert await timers(hall, code) == {}


async def test_reopened_after_its_due_moment_it_is_overdue_at_once_and_late_whenever_it_is_finished(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    due = datetime.fromisoformat((await hall.dossier(code))["promised_due"])
    await finished(hall, code)
    hall.move_clock(due + timedelta(hours=15))
    before = await counted(hall)
    await done(hall, code, "reopen", BOSS, REOPEN)
    reopened_at = hall.now()
    assert grown(before, await counted(hall)) == {
        "resolved": -1,
        "resolved_on_time": -1,
        "in_progress": 1,
        "in_progress_overdue": 1,
    }
    hall.move_clock(reopened_at + timedelta(seconds=1))
    await hall.timers_fired()
    fired = [(name, at) for name, at in await hall.facts_of(code) if name in {"apology_drafted", "became_overdue"}]
    assert sorted(fired) == [("apology_drafted", reopened_at), ("became_overdue", reopened_at)]
    assert "send_apology" in [duty["action"] for duty in await hall.duties(code)]
    await finished(hall, code)
    assert grown(before, await counted(hall)) == {"resolved_on_time": -1, "resolved_late": 1}
    await done(hall, code, "reopen", BOSS, REOPEN)
    seen = await hall.dossier(code)
    assert seen["finished_late_at"] == hall.now().isoformat()
    body = await fact(hall, code, "result_reopened")
    assert datetime.fromisoformat(body["promised_due"]) == due
    assert set(await timers(hall, code)) == set()
    # Even if a due moment were moved behind what was late already, late it would stay.
    later = due + timedelta(days=30)
    await hall.database.execute("update processing.cases set promised_due = $2 where code = $1", code, later)
    await finished(hall, code)
    assert grown(before, await counted(hall)) == {"resolved_on_time": -1, "resolved_late": 1}
