"""A dispatch at the running stack gives whoever is waited for the day that it takes from him (C13)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from deploy.cli.readers import acting
from deploy.clock.verifying import ClockVerifier
from shared.clocks import OFFICE_ZONE, write_scenario
from shared.contracts.facts import Language
from shared.rulebook.explanation_text import moment_text
from shared.rulebook.loader import load_seed, parse_calendar
from tests.integration.intake.counter import COMMUNE
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere, grown
from tests.integration.together.refold import (
    APPLICANT,
    SEED,
    Days,
    Published,
    Told,
    clock_of,
    history,
    refolded,
    stored,
)
from tests.integration.together.test_finished_twice import act, dossier
from tests.operating import as_json
from tests.paths.dispatches import OFF, USUAL, Said, laid_over, text_of

MARRIAGE, PAPER = "1.000894", "giay-to-tuy-than"
CLERK, LEADER = ("desk", COMMUNE, "clerk"), ("leader", COMMUNE, "boss")
SECOND = timedelta(seconds=1)
LAST_CALENDAR = """
select recorded_at, legal_time from intake.journal where topic like 'rules.%' order by recorded_at desc limit 1
"""
TIMERS = "select code, due_at from processing.timers where code = any($1::text[]) and kind like '%_limit'"
_keys = itertools.count(1)


async def waited_for(everywhere: Everywhere, counter: Desk) -> dict[str, str]:
    """Two whose applicants have two working days, one to bring a paper and one to pay, and were told so."""
    papers, money = [str((await counter.hand_in(await counter.filing(MARRIAGE))).json()["code"]) for _ in range(2)]
    await everywhere.rest()
    await act(everywhere, papers, "request_supplement", CLERK, {"papers": [PAPER]})
    step = next(step for step in (await dossier(everywhere, money))["steps"] if step["status"] == "open")
    await act(everywhere, money, "assign", CLERK, {"officer": "anna", "agency": step["agency"]})
    await act(everywhere, money, "demand_payment", CLERK, {"amount_vnd": 5000})
    await everywhere.rest()
    return {papers: "supplement", money: "payment"}


async def applied(everywhere: Everywhere, file: Path, lines: list[Said], days: Days) -> tuple[Any, Published]:
    """Apply a dispatch; what was foretold right before has to be what the command applies."""
    file.write_text(text_of(lines), "utf-8")
    plan = await as_json(everywhere.stack, "calendar", "plan", str(file))
    signed = ("--token", everywhere.stack.token("leader", "H56.90", "signer"))
    done = await as_json(everywhere.stack, "calendar", "apply", str(file), *signed)
    assert done["limits_moved"] == plan["limits_moved"]
    await everywhere.rest()
    row = await everywhere.database.fetchrow(LAST_CALENDAR)
    assert row is not None
    return plan, Published(plan["version"], laid_over(days, lines), row["legal_time"], row["recorded_at"])


async def refused(everywhere: Everywhere, code: str, action: str, officer: tuple[str, str, str]) -> str:
    """The code with which an act is refused."""
    headers = {
        "Authorization": f"Bearer {everywhere.stack.token(*officer)}",
        "Idempotency-Key": f"too-early-{next(_keys)}",
        "If-Match": f'"{(await dossier(everywhere, code))["version"]}"',
    }
    url = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}/acts/{action}"
    answer = await everywhere.http.post(url, headers=headers, json={})
    assert answer.status_code == HTTPStatus.CONFLICT, answer.text
    return str(answer.json()["code"])


async def said_of(everywhere: Everywhere, code: str) -> list[Mapping[str, Any]]:
    """What facts say of limits that were moved."""
    return [told.body for told in (await history(everywhere, [code]))[code] if told.kind == "limit_reissued"]


async def explained(everywhere: Everywhere, code: str, language: str) -> str:
    headers = {
        "Authorization": f"Bearer {everywhere.stack.token('auditor', 'H56.90', 'auditor')}",
        "Accept": "text/plain",
        "Accept-Language": language,
    }
    url = f"{everywhere.stack.urls['processing']}/v1/dossiers/{code}/deadline"
    return (await everywhere.http.get(url, headers=headers)).text


async def folds(everywhere: Everywhere, codes: list[str], calendars: list[Published]) -> None:
    """What is stored is what the witness comes to, and what `motcua verify clocks` does."""
    cases, facts = await stored(everywhere, codes), await history(everywhere, codes)
    for code in codes:
        assert clock_of(cases[code]) == refolded(cases[code], facts[code], calendars)
    folder = everywhere.stack.folder
    async with acting(folder, "processing") as processing, acting(folder, "intake") as intake:
        verifier = ClockVerifier(processing.pool, intake.pool, await processing.rules())
        async for _, found in verifier.portions():
            assert [each for each in found if each.code in codes] == []


def third_day(everywhere: Everywhere) -> tuple[date, date]:
    """The second working day after today's, and the one behind it."""
    calendar = parse_calendar("seed", load_seed().calendar)
    second = calendar.next_working_day(calendar.next_working_day(everywhere.today()))
    return second, calendar.next_working_day(second)


async def test_a_day_off_is_given_back_to_whoever_is_waited_for_and_nobody_is_refused_before(
    everywhere: Everywhere, counter: Desk, tmp_path: Path
) -> None:
    await everywhere.rest()
    limits = await waited_for(everywhere, counter)
    codes, (off, behind) = list(limits), third_day(everywhere)
    seen = await everywhere.look()
    plan, published = await applied(everywhere, tmp_path / "off.csv", [Said(OFF, off)], SEED)
    foretold = {each["code"]: each for each in plan["limits_moved"]}
    for code, limit in limits.items():
        told = foretold[code]
        assert (told["limit"], told["told"]) == (limit, True)
        assert told["limit_at"] == {"from": f"{off}T17:00:00+07:00", "to": f"{behind}T17:00:00+07:00"}
        (fact,) = await said_of(everywhere, code)
        assert (fact["limit"], fact["calendar_version"]) == (limit, published.version)
        assert {"from": fact["previous_limit_at"], "to": fact["limit_at"]} == told["limit_at"]
        assert (await dossier(everywhere, code))["halts"][-1]["limit_at"] == fact["limit_at"]
        vi, en = [await explained(everywhere, code, language) for language in ("vi", "en")]
        assert published.version in vi
        first = datetime.fromisoformat(fact["previous_limit_at"])
        assert f"Hạn báo lúc đầu: {moment_text(first, Language.VI)}" in vi
        assert f"The limit told at first: {moment_text(first, Language.EN)}" in en
    news = grown(seen, await everywhere.look())
    assert {code: news["notices"].get(f"{code} limit_reissued") for code in codes} == dict.fromkeys(codes, 1)
    channels = [f"{code} limit_reissued {channel}" for code in codes for channel in ("sms", "mail")]
    assert {each: news["told"].get(each) for each in channels} == dict.fromkeys(channels, 1)
    moved = {code: datetime.fromisoformat(foretold[code]["limit_at"]["to"]) for code in codes}
    assert dict(await everywhere.database.fetch(TIMERS, codes)) == moved
    await folds(everywhere, codes, [published])
    back, again = await applied(everywhere, tmp_path / "back.csv", [Said(USUAL, off)], published.days)
    assert {each["code"] for each in back["limits_moved"]} & set(codes) == set()
    await folds(everywhere, codes, [published, again])
    await decided_only_after_it(everywhere, limits, moved)
    await folds(everywhere, codes, [published, again])


async def decided_only_after_it(
    everywhere: Everywhere, limits: Mapping[str, str], moved: Mapping[str, datetime]
) -> None:
    """A second after the limit that they were told first, exactly at the one that they have, and a second later."""
    assert everywhere.stack.scenario_file is not None
    acts = {"supplement": ("refuse_after_limit", CLERK, 3), "payment": ("stop_unpaid", LEADER, 8)}
    (limit_at,) = set(moved.values())
    for now in (limit_at - timedelta(days=1) + SECOND, limit_at):
        write_scenario(everywhere.stack.scenario_file, now)
        await everywhere.stage.watch.timers_fired()
        for code, limit in limits.items():
            action, officer, _ = acts[limit]
            assert await refused(everywhere, code, action, officer) == f"{limit}_limit_passed"
    write_scenario(everywhere.stack.scenario_file, limit_at + SECOND)
    await everywhere.stage.watch.timers_fired()
    for code, limit in limits.items():
        action, officer, state = acts[limit]
        await act(everywhere, code, action, officer, {})
        assert (await dossier(everywhere, code))["state"] == state
    await everywhere.rest()


def test_the_witness_counts_an_applicants_limit_by_the_days_of_each_dispatch() -> None:
    """Two working days from Thursday 12 March 2020: the 16th; with Friday 13 off the 17th, and so it stays."""

    def at(day: int, hour: int) -> datetime:
        return datetime(2020, 3, day, hour, tzinfo=OFFICE_ZONE)

    case = {"procedure_code": MARRIAGE, "case_code": "default"}
    facts = [
        Told("accepted", at(12, 8), {"calendar_version": "calendar-1"}, at(12, 8)),
        Told("supplement_requested", at(12, 10), {}, at(12, 10)),
    ]
    friday = [Said(OFF, date(2020, 3, 13))]
    off = Published("calendar-2", laid_over(SEED, friday), at(12, 11), at(12, 11))
    usual = Published("calendar-3", SEED, at(12, 12), at(12, 12))
    too_late = Published("calendar-2", off.days, at(16, 18), at(16, 18))
    half_past = at(12, 10).replace(minute=30)
    brought = Told("papers_received", half_past, {"missing": []}, half_past)
    folded = [
        refolded(case, [*facts, *more], published)[APPLICANT]
        for more, published in [([], []), ([], [off]), ([], [off, usual]), ([], [too_late]), ([brought], [off])]
    ]
    assert folded == [(at(day, 17),) for day in (16, 17, 17, 16, 16)]
