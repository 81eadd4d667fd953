"""Facts go through real Kafka into real PostgreSQL; report, Prometheus and board agree with an independent count."""

from __future__ import annotations

import random
import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from shared.contracts import facts
from shared.contracts.facts import Channel
from shared.rulebook.calendar import ZONE
from tests.integration.metrics.town import Town
from tests.waiting import until

BEGIN = datetime(2020, 3, 2, 9, 0, tzinfo=ZONE)
DUE = datetime(2020, 3, 9, 17, 0, tzinfo=ZONE)
NOW = datetime(2020, 3, 12, 9, 0, tzinfo=ZONE)
PLACES = ("H56.97.01", "H56.97.21", "H56.97.36")
FIELDS = ("land", "business", "merit")


def step(town: Town, fact: type[facts.StepFact]) -> facts.StepFact:
    versions = {"catalogue_version": town.versions["catalogue"], "calendar_version": town.versions["calendar"]}
    return fact(**versions, state=facts.State.READY, step_no=4, agency="H56.97.02", officer="officer-1")


def apology(town: Town) -> facts.DossierApologised:
    versions = {"catalogue_version": town.versions["catalogue"], "calendar_version": town.versions["calendar"]}
    return facts.DossierApologised(
        **versions,
        state=facts.State.PROCESSING,
        agency="H56.97.02",
        officer="officer-1",
        reason="workload",
        reappointed_to=DUE + timedelta(days=2),
    )


def reopening(town: Town, finished: datetime) -> facts.ResultReopened:
    versions = {"catalogue_version": town.versions["catalogue"], "calendar_version": town.versions["calendar"]}
    return facts.ResultReopened(
        **versions,
        state=facts.State.PROCESSING,
        agency="H56.97.02",
        officer="officer-1",
        reason="result_faulty",
        finished_at=finished,
        promised_due=DUE,
    )


def notice(kind: type[facts.NoticeFact], channel: Channel) -> facts.NoticeFact:
    reason = {"reason": "unreachable"} if kind is facts.NoticeFailed else {}
    return kind(message_id="m", about="a", template="t", channel=channel, **reason)  # type: ignore[arg-type]


def recorded(at: datetime) -> facts.Backdating:
    """What was accepted at one moment, and recorded an hour later."""
    later, kind = at + timedelta(hours=1), facts.Evidence.INCIDENT_RECORD
    return facts.Backdating(recorded_at=later, evidence=kind, approved_by="chief", approving_agency="H56.97")


@pytest.fixture(scope="module")
async def busy(town: Town) -> Town:
    """A week of 90 dossiers: on time, exactly on time, late with an apology, and open."""
    chance = random.Random(5)
    town.set_clock(NOW)
    for number in range(90):
        code = f"{PLACES[number % 3]}-200302-{number + 1:04d}"
        at = BEGIN + timedelta(minutes=number)
        await town.accept(code, at, DUE, FIELDS[chance.randrange(3)], recorded(at) if number % 30 == 7 else None)
        await town.act(code, step(town, facts.DossierAssigned), BEGIN + timedelta(hours=3))
        if number % 10 == 9:
            await town.act(code, apology(town), DUE - timedelta(days=1))
        if number % 6 != 5:
            late = number % 10 == 9
            finished = DUE + timedelta(hours=24) if late else DUE - timedelta(days=number % 3)
            await town.act(code, step(town, facts.ResultReady), finished)
        for channel, kind in ((Channel.SMS, facts.NoticeHandedOver), (Channel.EMAIL, facts.NoticeDelivered)):
            await town.tell(code, notice(kind, channel), BEGIN + timedelta(hours=1))
    await town.settled()
    return town


async def agrees(town: Town, now: datetime) -> None:
    """Report, its breakdowns, Prometheus and board show what the independent count says."""
    expected = town.known.count(now)
    report = await town.report()
    assert {name: report[name] for name in expected} == expected
    for place in report["by_place"]:
        counted = town.known.count(now, place=place["place"])
        assert {name: place[name] for name in counted} == counted
    for line in report["by_field"]:
        counted = town.known.count(now, of_field=line["field"])
        assert {name: line[name] for name in counted} == counted
    assert report["notices"] == {
        outcome: town.known.told(outcome) for outcome in ("handed_over", "delivered", "unknown", "failed")
    }
    assert report["as_of"] == now.isoformat()
    await scrape_agrees(town, expected)
    board = (await town.client.get("/", params={"lang": "en"})).text
    assert re.findall(r'<dd class="number">([\d,]+)</dd>', board) == [
        str(report[name])
        for name in (
            *("received", "resolved_on_time", "in_progress", "in_progress_overdue", "resolved", "resolved_late"),
            *("in_progress_within_limit", "apologies_published", "closed_without_result", "carried_over", "reopened"),
            *("supplements_repeated", "backdated"),
        )
    ]


async def scrape_agrees(town: Town, expected: dict[str, int]) -> None:
    found = await town.figures_now()
    in_progress = found["motcua_dossiers_in_progress"]
    resolved = found["motcua_dossiers_resolved_total"]
    reopened = found["motcua_dossiers_reopened_total"]
    assert reopened.total() == expected["reopened"]
    resolved.subtract(reopened)
    assert found["motcua_dossiers_received_total"].total() == expected["received"]
    assert (
        sum(number for (_, outcome), number in resolved.items() if outcome == "on_time")
        == (expected["resolved_on_time"])
    )
    assert sum(number for (_, outcome), number in resolved.items() if outcome == "late") == expected["resolved_late"]
    assert (
        sum(number for (_, limit), number in in_progress.items() if limit == "overdue")
        == (expected["in_progress_overdue"])
    )
    assert in_progress.total() == expected["in_progress"]
    assert found["motcua_apologies_published_total"][()] == expected["apologies_published"]
    assert found["motcua_dossiers_closed_without_result_total"][()] == expected["closed_without_result"]
    assert found["motcua_supplements_repeated_total"][()] == expected["supplements_repeated"]
    assert found["motcua_dossiers_backdated_total"][()] == expected["backdated"]
    assert found["motcua_notices_total"]["sms", "handed_over"] == town.known.told("handed_over")
    assert found["motcua_notices_total"]["email", "failed"] == 0


async def test_every_view_agrees_with_an_independent_count(busy: Town) -> None:
    assert busy.known.count(NOW)["resolved_late"] > 0 < busy.known.count(NOW)["in_progress_overdue"]
    await agrees(busy, NOW)


async def test_facts_published_twice_count_once(busy: Town) -> None:
    before = await duplicates(busy)
    again = sum([await busy.publish_again(source) for source in ("intake", "processing", "notification")])

    async def struck() -> bool:
        return await duplicates(busy) >= before + again

    await until(struck, "every duplicate reached metrics")
    await agrees(busy, NOW)


async def duplicates(town: Town) -> float:
    found = [(await process.samples())["motcua_consumer_facts_total"] for process in town.processes]
    return sum(number for seen in found for (outcome, _), number in seen.items() if outcome == "duplicate")


async def test_a_report_on_a_period_that_is_over_is_judged_at_its_end(busy: Town) -> None:
    report = await busy.report(**{"from": "2020-03-02", "to": "2020-03-08"})
    finished = [at for at in busy.known.finished.values() if at < datetime(2020, 3, 9, tzinfo=ZONE)]
    assert report["as_of"] == "2020-03-08T23:59:59+07:00"
    assert (report["received"], report["resolved"]) == (90, len(finished))
    assert (report["in_progress"], report["in_progress_overdue"]) == (90 - len(finished), 0)
    later = await busy.report(**{"from": "2020-03-09", "to": "2020-03-12"})
    assert later["carried_over"] == report["in_progress"]
    assert later["in_progress"] == (await busy.report())["in_progress"]


async def test_an_agency_reports_what_lies_under_its_path(busy: Town) -> None:
    commune = await busy.report("H56.97.21")
    assert commune["received"] == busy.known.count(NOW, place="H56.97.21")["received"] == 30
    assert [place["place"] for place in commune["by_place"]] == ["H56.97.21"]
    assert (await busy.report("H56.90"))["received"] == 90
    assert (await busy.report("H56.92"))["received"] == 0
    district = await busy.report()
    assert len(district["by_place"]) == 25
    assert sum(place["received"] == 0 for place in district["by_place"]) == 22


async def test_overdue_follows_the_legal_clock(busy: Town) -> None:
    code = "H56.97.22-200312-0001"
    due = datetime(2020, 3, 13, 17, tzinfo=ZONE)
    await busy.accept(code, NOW, due)
    await busy.settled()
    busy.set_clock(due)
    assert (await busy.report("H56.97.22"))["in_progress_within_limit"] == 1
    await agrees(busy, due)
    busy.set_clock(due + timedelta(seconds=1))
    assert (await busy.report("H56.97.22"))["in_progress_overdue"] == 1
    await agrees(busy, due + timedelta(seconds=1))


async def test_a_reopened_dossier_is_in_progress_again_counts_once_and_changes_no_day_that_is_over(busy: Town) -> None:
    now, code = datetime(2020, 3, 18, 9, tzinfo=ZONE), "H56.97.24-200302-0001"
    busy.set_clock(now)
    await busy.accept(code, BEGIN, DUE)
    await busy.act(code, step(busy, facts.ResultReady), DUE)
    await busy.settled()
    week = {"from": "2020-03-02", "to": "2020-03-12"}
    over = await busy.report("H56.97.24", **week)
    assert (over["resolved_on_time"], over["in_progress"], over["in_progress_overdue"]) == (1, 0, 0)
    await agrees(busy, now)
    await busy.act(code, reopening(busy, DUE), datetime(2020, 3, 13, 9, tzinfo=ZONE))
    await busy.settled()
    await agrees(busy, now)
    here = await busy.report("H56.97.24")
    assert (here["resolved"], here["in_progress_overdue"], here["reopened"]) == (0, 1, 1)
    assert await busy.report("H56.97.24", **week) == over
    later = await busy.report("H56.97.24", **{"from": "2020-03-13", "to": "2020-03-18"})
    assert (later["carried_over"], later["resolved"], later["in_progress"], later["reopened"]) == (1, 0, 1, 1)
    await busy.act(code, step(busy, facts.ResultReady), datetime(2020, 3, 16, 9, tzinfo=ZONE))
    await busy.settled()
    await agrees(busy, now)
    here = await busy.report("H56.97.24")
    assert (here["resolved_on_time"], here["resolved_late"], here["in_progress"]) == (0, 1, 0)
    assert await busy.report("H56.97.24", **week) == over
    between = await busy.report("H56.97.24", **{"from": "2020-03-02", "to": "2020-03-14"})
    assert (between["resolved"], between["in_progress_overdue"], between["reopened"]) == (0, 1, 1)
    await busy.act(code, reopening(busy, datetime(2020, 3, 16, 9, tzinfo=ZONE)), now)
    await busy.act(code, step(busy, facts.ResultReady), now)
    await busy.settled()
    await agrees(busy, now)
    assert (await busy.report("H56.97.24"))["resolved_late"] == 1


def of_the_clock(town: Town, fact: type[facts.OfficersFact], state: facts.State, **said: Any) -> facts.OfficersFact:
    versions = {"catalogue_version": town.versions["catalogue"], "calendar_version": town.versions["calendar"]}
    return fact(**versions, state=state, agency="H56.97.24", officer="officer-1", **said)


def asking(town: Town, number: int, due: datetime | None = None) -> facts.DossierFact:
    said = {"procedure_code": "1.000656", "case_code": "default", "number": number, "papers": ("x",), "limit_at": NOW}
    said |= {"policy": "resume", "proposed_by": "", "basis": "b", "statutory_due": due, "promised_due": due}
    return of_the_clock(town, facts.SupplementRequested, facts.State.WAITING_FOR_PAPERS, **said)


def received(town: Town, number: int, due: datetime) -> facts.DossierFact:
    said = {"number": number, "asked_at": BEGIN, "arrived_at": BEGIN, "restarted": False}
    said |= {"statutory_due": due, "promised_due": due}
    return of_the_clock(town, facts.SupplementReceived, facts.State.PROCESSING, **said)


async def test_a_paused_dossier_is_in_progress_and_what_is_closed_is_nobodys_lateness(busy: Town) -> None:
    now, day = datetime(2020, 3, 19, 9, tzinfo=ZONE), timedelta(days=1)
    moved = datetime(2020, 3, 18, 17, tzinfo=ZONE)
    busy.set_clock(now)
    paused, late, goes_on, again, unpaid, wanted = codes = [f"H56.97.24-200302-{no:04}" for no in range(11, 17)]
    for code in codes:
        await busy.accept(code, BEGIN, DUE)
    for code, due in ((paused, None), (late, DUE), (goes_on, None), (again, None)):
        await busy.act(code, asking(busy, 1, due), DUE if due else BEGIN + day)
    await busy.settled()
    await agrees(busy, now)
    # Papers that the desk has not confirmed: the clock says that the moved due moment was missed.
    said = {"catalogue_version": busy.versions["catalogue"], "calendar_version": busy.versions["calendar"]}
    missed = facts.BecameOverdue(**said, state=facts.State.WAITING_FOR_PAPERS, promised_due=moved)
    await busy.act(goes_on, missed, moved)
    await busy.act(again, received(busy, 1, moved), BEGIN + 2 * day)
    await busy.act(again, asking(busy, 2), BEGIN + 3 * day)
    await busy.act(again, received(busy, 2, now + day), BEGIN + 4 * day)
    await busy.act(again, step(busy, facts.ResultReady), now)
    demand = {"amount_vnd": 5, "limit_at": NOW, "basis": "b", "statutory_due": None, "promised_due": None}
    await busy.act(unpaid, of_the_clock(busy, facts.PaymentDemanded, facts.State.WAITING_FOR_PAYMENT, **demand), BEGIN)
    await busy.act(unpaid, of_the_clock(busy, facts.DossierStopped, facts.State.STOPPED, cause="unpaid"), now)
    withdrawn = of_the_clock(busy, facts.DossierWithdrawn, facts.State.WITHDRAWN, requested_at=BEGIN)
    await busy.act(wanted, withdrawn, BEGIN + day)
    await busy.settled()
    await agrees(busy, now)
    here = await busy.report("H56.97.24", **{"from": "2020-03-02", "to": "2020-03-19"})
    assert (here["closed_without_result"], here["supplements_repeated"]) == (2, 1)
    assert (here["in_progress"], here["in_progress_overdue"]) == (3, 2)
    assert (here["resolved_on_time"], here["resolved"]) == (1, 4), "with the one that was reopened"
    before = await busy.report("H56.97.24", **{"from": "2020-03-02", "to": "2020-03-18"})
    assert (before["closed_without_result"], before["in_progress_overdue"]) == (1, 2)


async def test_bad_questions_get_a_problem(busy: Town) -> None:
    unknown = await busy.client.get("/v1/reports/district", params={"agency": "H99.01"})
    assert (unknown.status_code, unknown.json()["code"]) == (HTTPStatus.NOT_FOUND, "agency_unknown")
    swapped = await busy.client.get(
        "/v1/reports/district", params={"agency": "H56.97", "from": "2020-03-02", "to": "2020-03-01"}
    )
    assert (swapped.status_code, swapped.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "period_reversed")
    assert (await busy.client.get("/internal/v1/quiet")).status_code == HTTPStatus.UNAUTHORIZED
    officer = {"Authorization": f"Bearer {busy.stack.token('desk', 'H56.97.21')}"}
    assert (await busy.client.get("/internal/v1/quiet", headers=officer)).status_code == HTTPStatus.FORBIDDEN


async def test_nothing_was_parked(busy: Town) -> None:
    assert (await busy.quiet())["parked"] == 0
