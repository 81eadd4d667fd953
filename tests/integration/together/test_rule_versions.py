"""A dispatch at the running stack: what was foretold is what moves, code by code, and every citizen is told."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from services.processing.domain.duties import RUNNING
from shared.rulebook.loader import load_seed, parse_calendar
from tests.integration.intake.counter import COMMUNE
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.rights import Filed
from tests.operating import as_json, motcua
from tests.waiting import until

PROVINCE = "H56.90"
HEADER = "kind,date,replaces,name_vi,source"
_keys = itertools.count(1)


def swap(everywhere: Everywhere) -> tuple[date, date]:
    """The working day after tomorrow's, which is to be off, and a Saturday to be worked for it."""
    calendar = parse_calendar("seed", load_seed().calendar)
    off = calendar.next_working_day(calendar.next_working_day(everywhere.today()))
    saturday = off + timedelta(days=(5 - off.weekday()) % 7 + 14)
    return off, saturday


@pytest.fixture(scope="module")
def dispatch(everywhere: Everywhere, tmp_path_factory: pytest.TempPathFactory) -> Path:
    off, saturday = swap(everywhere)
    file = tmp_path_factory.mktemp("rules") / "dispatch.csv"
    lines = (f"swap_off,{off},,Nghỉ hoán đổi,1001/UBND", f"worked_saturday,{saturday},{off},Làm bù,1001/UBND")
    file.write_text("\n".join((HEADER, *lines, "")), "utf-8")
    return file


async def reissued(everywhere: Everywhere, version: str) -> dict[str, dict[str, Any]]:
    rows = await everywhere.database.fetch(
        "select subject, body from processing.journal where type = 'vn.motcua.dossier.deadline_reissued.v1'"
    )
    found = [(row["subject"], json.loads(row["body"])) for row in rows]
    return {code: body for code, body in found if body["calendar_version"] == version}


async def publish(
    everywhere: Everywhere, caller: tuple[str, str], body: Any, key: str = ""
) -> tuple[int, dict[str, Any]]:
    headers = {
        "Authorization": f"Bearer {everywhere.stack.token(*caller, 'signer')}",
        "Idempotency-Key": key or f"rule-{next(_keys)}",
    }
    answer = await everywhere.http.post(
        f"{everywhere.stack.urls['intake']}/v1/rules/calendar", json=body, headers=headers
    )
    return answer.status_code, answer.json()


async def test_only_a_leader_of_the_province_publishes_and_only_what_was_planned(
    everywhere: Everywhere, dispatch: Path, dossiers: list[Filed]
) -> None:
    plan = await as_json(everywhere.stack, "calendar", "plan", str(dispatch))
    body = {"based_on": plan["based_on"], "version": plan["version"], "file": dispatch.read_text("utf-8")}
    before = await everywhere.rows("intake.journal", "processing.cases")
    refusals = [
        (("specialist", PROVINCE), body, HTTPStatus.FORBIDDEN, "role_not_allowed"),
        (("operator", ""), body, HTTPStatus.FORBIDDEN, "role_not_allowed"),
        (("leader", COMMUNE), body, HTTPStatus.FORBIDDEN, "province_signs"),
        (("leader", PROVINCE), body | {"based_on": "calendar-0-0"}, HTTPStatus.CONFLICT, "rules_changed"),
        (("leader", PROVINCE), body | {"version": "calendar-2-0"}, HTTPStatus.CONFLICT, "rules_differ"),
        (("leader", PROVINCE), body | {"file": "kind,date\n"}, HTTPStatus.UNPROCESSABLE_ENTITY, "rule_file_faulty"),
    ]
    for caller, sent, status, code in refusals:
        told = await publish(everywhere, caller, sent)
        assert (told[0], told[1]["code"]) == (status, code), caller
    assert await everywhere.rows("intake.journal", "processing.cases") == before


async def test_the_set_foretold_is_the_set_moved_and_the_way_back_keeps_every_date(
    everywhere: Everywhere, counter: Desk, dispatch: Path, dossiers: list[Filed]
) -> None:
    await everywhere.rest()
    plan = await as_json(everywhere.stack, "calendar", "plan", str(dispatch))
    foretold = {each["code"]: each for each in plan["moved"]}
    land, told_before = dossiers[1].code, await told_of_another_date(everywhere)
    assert foretold[land]["told"]
    assert foretold[land]["promised_due"]["from"] < foretold[land]["promised_due"]["to"]
    signed = ("--token", everywhere.stack.token("leader", PROVINCE, "signer"))
    applied = await as_json(everywhere.stack, "calendar", "apply", str(dispatch), *signed)
    assert applied["moved"] == plan["moved"]
    moved = await reissued(everywhere, plan["version"])
    assert {
        code: {
            "promised_due": {"from": body["previous_promised_due"], "to": body["promised_due"]},
            "statutory_due": {"from": body["previous_statutory_due"], "to": body["statutory_due"]},
        }
        for code, body in moved.items()
    } == {code: {name: each[name] for name in ("promised_due", "statutory_due")} for code, each in foretold.items()}
    await everywhere.rest()
    await everyone_follows(everywhere, foretold, told_before)
    off, _ = swap(everywhere)
    span = ("--from", str(off), "--to", str(off))
    [shown] = await as_json(everywhere.stack, "calendar", "show", "--in-force", *span)
    assert (shown["kind"], shown["name"]) == ("swap_off", "Nghỉ hoán đổi")
    code, _, said = await motcua(everywhere.stack, "calendar", "plan", str(dispatch))
    assert (code, "changes nothing" in said) == (4, True)
    await and_back(everywhere, counter, dispatch, signed)


async def everyone_follows(everywhere: Everywhere, foretold: dict[str, Any], told_before: Counter[str]) -> None:
    """Whoever has to know another date knows it: the citizen, the worklist, the timers, the figures."""
    promised = {code: each["promised_due"] for code, each in foretold.items()}
    changed = {code for code, span in promised.items() if span["from"] != span["to"]}
    queries = {
        "cases": "select code, promised_due from processing.cases where code = any($1::text[])",
        "metrics": "select code, promised_due from metrics.dossiers where code = any($1::text[])",
        "timers": "select code, due_at from processing.timers where code = any($1::text[]) and kind = 'become_overdue'",
        "duties": "select distinct code, promised_due from processing.duties where code = any($1::text[])",
    }
    for where, query in queries.items():
        rows = await everywhere.database.fetch(query, list(foretold))
        assert rows, where
        assert [code for code, moment in rows if moment != datetime.fromisoformat(promised[code]["to"])] == [], where
    assert await told_of_another_date(everywhere) - told_before == Counter(changed)


async def told_of_another_date(everywhere: Everywhere) -> Counter[str]:
    """Whose applicants have been told another date, how often."""
    query = "select code from notification.notices where template = 'deadline_reissued'"
    return Counter(row["code"] for row in await everywhere.database.fetch(query))


async def and_back(everywhere: Everywhere, counter: Desk, dispatch: Path, signed: tuple[str, str]) -> None:
    """A dossier accepted under the new calendar is not promised an earlier date when the days are as usual again."""
    answer = await counter.hand_in(await counter.filing("1.012784"), headers=counter.bearer("desk", "H56.97.01"))
    fresh = answer.json()["code"]
    await everywhere.rest()
    off, saturday = swap(everywhere)
    dispatch.write_text("\n".join(("kind,date,source", f"usual,{off},2/UBND", f"usual,{saturday},2/UBND", "")), "utf-8")
    back = await as_json(everywhere.stack, "calendar", "apply", str(dispatch), *signed)
    assert fresh in back["kept"]
    assert back["moved"] == []
    assert await reissued(everywhere, back["version"]) == {}


async def test_a_new_catalogue_is_for_new_dossiers_and_open_ones_keep_theirs(
    everywhere: Everywhere, counter: Desk, dossiers: list[Filed], tmp_path: Path
) -> None:
    birth = dossiers[0].code
    file = tmp_path / "changes.csv"
    await everywhere.rest()
    file.write_text("procedure_code,case_code,field,value\n1.001193,default,source_note,3/QĐ-UBND\n", "utf-8")
    plan = await as_json(everywhere.stack, "catalogue", "plan", str(file))
    assert [(change["field"], change["to"]) for change in plan["changes"]] == [("source_note", "3/QĐ-UBND")]
    assert {each["catalogue_version"]: each["open"] for each in plan["kept"]} == await open_dossiers(everywhere)
    assert await pinned(everywhere, birth) == {birth: plan["based_on"]}
    before = await everywhere.rows("processing.cases", "processing.journal")
    signed = ("--token", everywhere.stack.token("leader", PROVINCE, "signer"))
    await as_json(everywhere.stack, "catalogue", "apply", str(file), *signed)

    async def taken_in_under_it() -> bool:
        answer = await everywhere.http.get(f"{everywhere.stack.urls['intake']}/v1/procedures")
        return bool(answer.json()["catalogue_version"] == plan["version"])

    await until(taken_in_under_it)
    await everywhere.rest()
    assert await everywhere.rows(*before) == before
    fresh = (await counter.hand_in(await counter.filing())).json()["code"]
    await everywhere.rest()
    assert await pinned(everywhere, birth, fresh) == {birth: plan["based_on"], fresh: plan["version"]}


async def open_dossiers(everywhere: Everywhere) -> dict[str, int]:
    """How many dossiers of the changed procedure are open, this file's and others', by the version that they keep."""
    query = (
        "select catalogue_version, count(*) from processing.cases"
        " where procedure_code = '1.001193' and case_code = 'default' and state = any($1::int[]) group by 1"
    )
    return dict(await everywhere.database.fetch(query, [int(state) for state in RUNNING]))


async def pinned(everywhere: Everywhere, *codes: str) -> dict[str, str]:
    query = "select code, catalogue_version from processing.cases where code = any($1::text[])"
    return dict(await everywhere.database.fetch(query, codes))
