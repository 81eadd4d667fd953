"""A calendar is applied to open dossiers on the real parts; in the end the days are again as they were."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from http import HTTPStatus
from typing import Any

from shared.rulebook.calendar import Calendar
from shared.rulebook.rule_files.dispatch import Ground
from shared.rulebook.rule_files.drawing import draw_calendar
from tests.integration.processing.hall import DISTRICT_DESK, Hall
from tests.integration.processing.test_deadline import applicant, deadline
from tests.integration.processing.test_detours import done
from tests.integration.processing.test_redress import timers

SHORT, LAND = ("2.000528", "default"), ("1.012783", "default")
COMPETENT = ("leader", "H56.92.01")
SECOND = timedelta(seconds=1)
_numbers = itertools.count(100)


async def publish_day_off(hall: Hall, usual: Calendar, day: date, at: datetime | None = None) -> None:
    """Lay one more day off over the usual days, and over nothing else."""
    text = f"kind,date,name_vi,source\nswap_off,{day},Nghỉ,1/CĐ\n"
    ground = Ground(usual, hall.agencies, (at or hall.now()).date())
    await publish(hall, draw_calendar(text, ground, 100).content, at)


async def explained_by_the_dispatch(hall: Hall, code: str, usual: Calendar, off: date) -> None:
    """The date that was issued anew is explained over HTTP by the calendar that moved it, to officer and applicant.

    Its day off is named with the dispatch; the lines add up to the new moment; nothing is left of the old calendar.
    """
    stored, auditor = await hall.dossier(code), hall.bearer("auditor", "H56.90")
    shown = (await deadline(hall, code, auditor)).json()
    for name in ("promised", "statutory"):
        limit = shown[name]
        lines = limit["runs"][-1]["lines"]
        assert limit["due_at"] == lines[-1]["to"] == stored[f"{name}_due"]
        assert limit["calendar_version"] == hall.calendar.version != usual.version
        assert sum(line["counted"] for line in lines) == limit["wanted"]
        (skipped,) = [line for line in lines if line["date"] == str(off)]
        told = [skipped[name] for name in ("counted", "working", "kind", "name_vi", "source")]
        assert told == [0, False, "swap_off", "Nghỉ", "1/CĐ"]
    bearer = await applicant(hall, code)
    public = (await deadline(hall, code, bearer)).json()
    assert [public[name] for name in ("promised", "statutory")] == [shown[name] for name in ("promised", "statutory")]
    printed = (await deadline(hall, code, {**bearer, "Accept": "text/plain", "Accept-Language": "vi"})).text
    assert f"{off:%d/%m/%Y}: không tính, Nghỉ" in printed
    assert "1/CĐ" in printed


async def publish(hall: Hall, content: Mapping[str, Any], at: datetime | None = None) -> None:
    await hall.publish_calendar(f"calendar-{next(_numbers)}-0123456789ab", content, at)


async def test_who_lacks_the_calendar_that_a_dossier_follows_does_not_act_on_it(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    follow = "update processing.cases set calendar_followed = $2 where code = $1 returning calendar_version"
    version = await hall.database.fetchval(follow, code, "calendar-99-000000000000")
    said = {"officer": "anna", "agency": DISTRICT_DESK}
    waits = await hall.act(code, "assign", ("desk", DISTRICT_DESK), 1, said)
    assert (waits.status_code, waits.json()["code"]) == (HTTPStatus.SERVICE_UNAVAILABLE, "temporarily_unavailable")
    await hall.database.execute(follow, code, version)
    duty = next(duty for duty in await hall.duties(code) if duty["action"] == "assign")
    await hall.do(code, duty, 1)


async def test_a_day_off_moves_the_date_its_warnings_and_its_place_on_the_list_once(hall: Hall) -> None:
    """Two working days: the draft has opened when the second of them becomes a day off."""
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*LAND))
    due = datetime.fromisoformat((await hall.dossier(code))["promised_due"])
    usual = hall.calendar
    second, third = due.date(), usual.next_working_day(due.date())
    await hall.tomorrow()
    drafted_at = hall.now().replace(hour=17, minute=0)
    hall.move_clock(drafted_at)
    await hall.timers_fired()
    published_at = drafted_at.replace(minute=30)
    hall.move_clock(published_at)
    await publish_day_off(hall, usual, second)
    await hall.timers_fired()
    moved = hall.calendar.close(third)
    assert (await hall.facts_of(code))[-3:] == [
        ("apology_drafted", drafted_at),
        ("deadline_reissued", published_at),
        ("apology_drafted", published_at),
    ]
    item = await hall.item(code, *COMPETENT)
    assert (item["promised_due"], item["version"]) == (moved.isoformat(), 1)
    await explained_by_the_dispatch(hall, code, usual, second)
    hall.move_clock(due + SECOND)
    await hall.timers_fired()
    assert (await hall.facts_of(code))[-1][0] == "apology_drafted"
    hall.move_clock(moved + SECOND)
    await hall.timers_fired()
    assert (await hall.facts_of(code))[-1] == ("became_overdue", moved)
    await publish_day_off(hall, usual, usual.next_working_day(hall.now().date()))
    assert (await hall.facts_of(code))[-1] == ("became_overdue", moved)
    await publish(hall, usual.content.model_dump(mode="json"))


async def test_a_dispatch_heard_of_only_after_the_applicants_limit_gives_him_his_day_all_the_same(hall: Hall) -> None:
    """Published while he had time left, applied once his timer had fired: nobody has decided on it yet (C13)."""
    asked_at, desk = await hall.tomorrow(), ("desk", DISTRICT_DESK)
    code = await hall.accept(hall.catalogue.case(*SHORT))
    await done(hall, code, "request_supplement", desk, {"papers": ["tk-khai-sinh"]})
    limit, usual = datetime.fromisoformat((await hall.dossier(code))["halts"][0]["limit_at"]), hall.calendar
    moved = usual.close(usual.next_working_day(limit.date()))
    hall.move_clock(limit + SECOND)
    await hall.timers_fired()
    assert [duty["action"] for duty in await hall.duties(code)] == ["refuse_after_limit"]
    await publish_day_off(hall, usual, limit.date(), asked_at)
    assert (await hall.facts_of(code))[-2:] == [("supplement_limit_reached", limit), ("limit_reissued", asked_at)]
    assert await timers(hall, code) == {"supplement_limit": moved}
    assert await hall.duties(code) == []
    assert await hall.database.fetch("select from processing.duties where code = $1", code) == []
    version = (await hall.dossier(code))["version"]
    early = await hall.act(code, "refuse_after_limit", desk, version)
    assert (early.status_code, early.json()["code"]) == (HTTPStatus.CONFLICT, "supplement_limit_passed")
    hall.move_clock(moved + SECOND)
    await hall.timers_fired()
    assert (await hall.facts_of(code))[-1] == ("supplement_limit_reached", moved)
    assert (await done(hall, code, "refuse_after_limit", desk))["state"] == 3
    await publish(hall, usual.content.model_dump(mode="json"))
