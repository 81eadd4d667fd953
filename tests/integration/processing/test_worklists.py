"""Worklists by officer, step, unit and urgency."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import pytest

from services.processing.api.worklists import START
from services.processing.domain.cases import Clock
from services.processing.domain.worklists import BEGINNING, END, EVERYTHING, Selection
from services.processing.repository.reading import WORKLIST, WORKLIST_OF_AN_HEIR, Place, worklist
from shared.database import ENTER_SCOPE, Scope
from shared.rulebook.agencies import NOTHING_INHERITED, Inheritance
from tests.integration.processing.hall import COMMUNE, Hall
from tests.integration.processing.test_reading import rows_of

LAND = ("1.012784", "default")
BRANCH = "H56.92.01"
URGENCIES = ("late", "due_today", "at_risk", "in_time", "paused", "finished")


async def listed(hall: Hall, caller: tuple[str, ...], /, **filters: str) -> dict[str, dict[str, Any]]:
    """Every page of a list, two lines each, by code."""
    items: list[dict[str, Any]] = []
    more: Mapping[str, str] = {}
    while True:
        params = {"limit": "2", **filters, **more}
        answer = await hall.http.get("/v1/worklist", params=params, headers=hall.bearer(*caller))
        assert answer.status_code == HTTPStatus.OK, answer.text
        items += answer.json()["items"]
        if not answer.json()["next_cursor"]:
            break
        more = {"cursor": answer.json()["next_cursor"]}
    assert [(item["promised_due"], item["code"]) for item in items] == sorted(
        (item["promised_due"], item["code"]) for item in items
    )
    return {item["code"]: item for item in items}


async def assign(hall: Hall, code: str, officer: str) -> None:
    answer = await hall.act(code, "assign", ("desk", COMMUNE), 1, {"officer": officer, "agency": BRANCH})
    assert answer.status_code == HTTPStatus.OK, answer.text


@pytest.fixture(scope="module")
async def branch(hall: Hall) -> dict[str, str]:
    """Dossiers of the branch, each of another urgency, by it; and one that waits to be assigned."""
    kind, now = hall.catalogue.case(*LAND), await hall.tomorrow()
    day = hall.calendar.next_working_day(now.date())
    tomorrow = hall.calendar.opening(day) + timedelta(hours=1)
    dues = {
        "due_today": now.replace(hour=23, minute=30),
        "at_risk": tomorrow,
        "in_time": tomorrow + timedelta(days=10),
        "paused": tomorrow + timedelta(days=20),
        "late": now + timedelta(seconds=1),
    }
    codes = {name: await hall.accept(kind, promised_due=due) for name, due in dues.items()}
    for name, code in codes.items():
        await assign(hall, code, f"of.{name}")
    paused = await hall.act(
        codes["paused"], "pause", ("specialist", BRANCH, "of.paused"), 2, {"step_no": 2, "period": "survey"}
    )
    assert paused.status_code == HTTPStatus.OK, paused.text
    hall.move_clock(now + timedelta(seconds=2))
    await hall.timers_fired()
    return codes


async def test_each_urgency_lists_its_own_and_no_other(hall: Hall, branch: dict[str, str]) -> None:
    head = ("auditor", BRANCH)
    for urgency in URGENCIES:
        found = await listed(hall, head, unit=BRANCH, office="specialist", urgency=urgency)
        assert {item["urgency"] for item in found.values()} <= {urgency}
        assert set(branch.values()) & found.keys() == {code for name, code in branch.items() if name == urgency}


async def test_filters_combine(hall: Hall, branch: dict[str, str]) -> None:
    head, unit = ("auditor", BRANCH), {"unit": BRANCH, "office": "specialist"}
    everything = await listed(hall, head, **unit)
    assert set(branch.values()) <= everything.keys()
    for name, code in branch.items():
        assert (await listed(hall, head, **unit, officer=f"of.{name}")).keys() == {code}
        assert (await listed(hall, head, **unit, officer=f"of.{name}", urgency=name, step="survey")).keys() == {code}
        other = "late" if name != "late" else "paused"
        assert await listed(hall, head, **unit, officer=f"of.{name}", urgency=other) == {}
        assert await listed(hall, head, **unit, officer=f"of.{name}", step="registry_examine") == {}
    assert {
        duty["step_code"]
        for item in (await listed(hall, head, **unit, step="survey")).values()
        for duty in item["duties"]
    } == {"survey"}


async def test_a_dossier_that_goes_on_is_no_longer_listed_as_paused(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    await assign(hall, code, "of.resumed")
    officer = ("specialist", BRANCH, "of.resumed")
    for version, action, urgency in ((2, "pause", "paused"), (3, "resume", "in_time")):
        answer = await hall.act(
            code, action, officer, version, {"step_no": 2, "period": "survey"} if version == 2 else {}
        )
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert (await listed(hall, officer, officer="of.resumed"))[code]["urgency"] == urgency


async def test_what_waits_to_be_handed_over_is_finished_and_never_late(hall: Hall) -> None:
    kind = hall.catalogue.case("2.000528", "default")
    code = await hall.accept(kind)
    duty, _ = await hall.walk_until(code, "hand_over")
    await hall.tomorrow()
    desk = ("desk", duty["agency"])
    assert (await listed(hall, desk, urgency="finished"))[code]["urgency"] == "finished"
    assert code not in await listed(hall, desk, urgency="late")


async def test_others_worklists_are_for_leaders_and_auditors_above_them(hall: Hall, branch: dict[str, str]) -> None:
    code = branch["in_time"]
    for officer, filters, refused in (
        (("specialist", BRANCH, "anna"), {"officer": "of.in_time"}, "role_not_allowed"),
        (("desk", BRANCH), {"office": "specialist"}, "role_not_allowed"),
        (("specialist", "H56.92"), {"unit": BRANCH}, "role_not_allowed"),
        (("leader", "H56.97"), {"unit": BRANCH, "office": "specialist"}, "agency_not_allowed"),
        (("leader", "H56.97"), {"unit": "H56.97.99", "office": "specialist"}, "agency_not_allowed"),
    ):
        answer = await hall.http.get("/v1/worklist", params=filters, headers=hall.bearer(*officer))
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.FORBIDDEN, refused)
    for above in (BRANCH, "H56.92", "H56.90"):
        assert code in await listed(hall, ("leader", above), unit=BRANCH, office="specialist")
    assert code not in await listed(hall, ("specialist", BRANCH, "anna"))
    assert code in await listed(hall, ("specialist", BRANCH, "of.in_time"))


@pytest.mark.parametrize("params", [{"urgency": "soon"}, {"step": "a b"}, {"officer": "Nguyễn"}, {"unit": "x"}])
async def test_a_filter_that_cannot_be_is_refused(hall: Hall, params: dict[str, str]) -> None:
    answer = await hall.http.get("/v1/worklist", params=params, headers=hall.bearer("desk", COMMUNE))
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid")


FILL = """
with made as (
    insert into processing.cases
    select (jsonb_populate_record(c, jsonb_build_object(
        'code', 'many-' || n, 'parts', array['90.97.33.'], 'promised_due', c.promised_due + make_interval(mins => n)
    ))).*
    from processing.cases c, generate_series(1, 10000) n where c.code = $1
    returning code, promised_due
)
insert into processing.duties (
    code, step_no, action, agency, role, move, step_agency, step_role, holder, taken, promised_due, step_code, clock
)
select code, 2, 'take', 'H56.97.33', 'specialist', 'work', '', '',
    case when hashtext(code) % 10 = 0 then 'anna' else 'bob' end, false, promised_due,
    case when hashtext(code) % 7 = 0 then 'examine' else 'check' end,
    case when hashtext(code) % 5 = 0 then 'paused' else 'running' end
from made
"""


def written(value: object) -> str:
    """A value as it stands in a statement."""
    match value:
        case None:
            return "null"
        case bool() | int():
            return str(value).lower()
        case list():
            return f"'{{{','.join(map(str, value))}}}'"
        case _:
            return f"'{value}'"


async def rows_walked(hall: Hall, path: str, *values: object, query: str = WORKLIST) -> int:
    """How many rows a worklist touches by the plan that the service has: one for all values (ADR 14)."""
    async with hall.database.transaction():
        await hall.database.execute("set local search_path = processing")
        await hall.database.execute("set local plan_cache_mode = force_generic_plan")
        await hall.database.fetchval(ENTER_SCOPE, "processing_api", *Scope((path,)).settings)
        await hall.database.execute(f"prepare walked as {query}")
        said = ", ".join(map(written, values))
        explained = await hall.database.fetchval(f"explain (analyze, format json) execute walked ({said})")
        await hall.database.execute("deallocate walked")
    return rows_of(json.loads(explained)[0]["Plan"])


async def test_a_page_of_ten_thousand_looks_at_no_dossier_that_it_does_not_show(hall: Hall) -> None:
    """What a filter passes over costs one row of the index; a span of due moments not even that."""
    code = await hall.accept(hall.catalogue.case(*LAND))
    middle = await hall.database.fetchval("select promised_due from processing.cases where code = $1", code)
    begins = middle + timedelta(minutes=5000)
    try:
        await hall.database.execute(FILL, code)
        await hall.database.execute("analyze processing.duties, processing.cases")
        office = ("H56.97.33", "specialist")
        shown = 51
        for asked, most in (
            ((*office, None, True, *START, END, None, None, shown), 0),
            ((*office, ["anna"], False, *START, END, None, None, shown), 900),
            ((*office, ["anna"], False, *START, END, Clock.PAUSED, "examine", shown), 10_000),
            ((*office, None, True, begins, "", END, Clock.RUNNING, None, shown), 40),
            ((*office, None, True, BEGINNING, "", middle, Clock.RUNNING, None, shown), 0),
        ):
            read = await rows_walked(hall, "90.97.33.", *asked)
            assert read <= 6 * shown + most, asked
        heir = (["H56.97.33", "H56.97.34"], "specialist", None, True, *START, END, None, None, shown)
        merged = await rows_walked(hall, "90.97.33.", *heir, [False, False], [], query=WORKLIST_OF_AN_HEIR)
        assert merged <= 6 * shown, "an agency that succeeded another walks a page of each"
    finally:
        await hall.database.execute("delete from processing.duties where code like 'many-%'")
        await hall.database.execute("delete from processing.cases where code like 'many-%'")


async def test_an_heir_has_one_line_for_a_dossier_however_many_agencies_left_it_to_him(hall: Hall) -> None:
    """Two communes were asked and have merged; of what was divided by area only his areas' is his."""
    code = await hall.accept(hall.catalogue.case(*LAND))
    asked = """
        insert into processing.duties (
            code, step_no, action, agency, role, move, step_agency, step_role, taken, promised_due, step_code, clock
        )
        select code, 2, 'answer_agency', unnest(array['H56.97.33', 'H56.97.34']), 'specialist', 'period', 'H56.92.01',
            'specialist', false, promised_due, 'survey', 'running'
        from processing.cases where code = $1
    """
    mine, other = (hall.agencies.get(f"H56.97.{number}") for number in (33, 34))
    area = await hall.database.fetchval("select area_code from processing.cases where code = $1", code)
    selected, page = Selection(mine.code, "specialist", None, free=True), Place(START, 10)
    trial = hall.database.transaction()
    await trial.start()
    await hall.database.execute("set local search_path = processing")
    await hall.database.execute(asked, code)
    for inherited, duties in (
        (NOTHING_INHERITED, 1),
        (Inheritance(whole=(other,)), 2),
        (Inheritance(divided=(other,), areas=(area,)), 2),
        (Inheritance(divided=(other,), areas=("16096",)), 1),
    ):
        found = await worklist(hall.database, selected, EVERYTHING, page, inherited=inherited)
        assert [(row.code, len(row.duties)) for row in found] == [(code, duties)]
    await trial.rollback()


async def test_weakness_10_two_holders_of_one_group_see_and_do_their_own_step_and_no_other(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case("1.012753", "default"))
    anna, bob = ("specialist", COMMUNE, "anna.of.group"), ("specialist", BRANCH, "bob.of.group")
    group = {anna: 2, bob: 3}
    named = await hall.act(code, "assign", ("desk", COMMUNE), 1, {"officer": anna[2], "agency": COMMUNE})
    assert named.status_code == HTTPStatus.OK, named.text
    taken = await hall.act(code, "take", bob, 2, {"step_no": group[bob]})
    assert taken.status_code == HTTPStatus.OK, taken.text
    steps = (await hall.dossier(code))["steps"]
    assert {step["step_no"]: step["holder"] for step in steps if step["status"] == "open"} == {2: anna[2], 3: bob[2]}

    for holder, other in ((anna, bob), (bob, anna)):
        duties = (await listed(hall, holder, officer=holder[2]))[code]["duties"]
        assert {(duty["step_no"], duty["holder"]) for duty in duties} == {(group[holder], holder[2])}
        assert code not in await listed(hall, (*holder[:2], "somebody.else"), officer="somebody.else")
        strange = await hall.act(code, "forward", holder, 3, {"step_no": group[other]})
        assert (strange.status_code, strange.json()["code"]) == (HTTPStatus.FORBIDDEN, "agency_not_allowed")
        passed_over = await hall.act(code, "forward", (*holder[:2], "somebody.else"), 3, {"step_no": group[holder]})
        assert (passed_over.status_code, passed_over.json()["code"]) == (HTTPStatus.CONFLICT, "holder_of_step")

    first = await hall.act(code, "forward", anna, 3, {"step_no": group[anna]})
    assert first.status_code == HTTPStatus.OK, first.text
    assert code not in await listed(hall, anna, officer=anna[2])
    duties = (await listed(hall, bob, officer=bob[2]))[code]["duties"]
    assert [(duty["step_no"], duty["holder"]) for duty in duties] == [(group[bob], bob[2])]
    steps = (await hall.dossier(code))["steps"]
    assert [step["status"] for step in steps[:4]] == ["done", "done", "open", "waiting"]
