"""Timers, waves and what waits: the legal clock on the real parts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus

from prometheus_client.parser import text_string_to_metric_families

from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall
from tests.waiting import until

SHORT, LAND = ("2.000528", "default"), ("1.012783", "default")
SECOND = timedelta(seconds=1)


async def test_timers_fire_at_their_moments_and_carry_them_as_legal_time(hall: Hall) -> None:
    morning = await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    due = morning.replace(hour=17, minute=0)
    hall.move_clock(due)
    await hall.timers_fired()
    told = await hall.facts_of(code)
    assert [name for name, _ in told] == ["half_time_reached", "apology_drafted"]
    half = morning.replace(hour=11, minute=15)  # 7.5 working hours from 07:30 to 17:00
    assert [moment for _, moment in told] == [half, half]
    hall.move_clock(due + SECOND)
    await hall.timers_fired()
    assert (await hall.facts_of(code))[2:] == [("became_overdue", due)]
    assert (await hall.dossier(code))["version"] == 1


async def test_a_finished_dossier_never_becomes_overdue(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    duty, version = await hall.walk_until(code, "finish")
    due = hall.now().replace(hour=17, minute=0)
    hall.move_clock(due)
    await hall.timers_fired()
    await hall.do(code, duty, version)
    hall.move_clock(due + timedelta(days=3))
    await hall.timers_fired()
    told = dict(await hall.facts_of(code))
    assert told["result_ready"] == due
    assert "became_overdue" not in told
    items = await hall.worklist("leader", "H56.97.04")
    assert code not in {item["code"] for item in items}


async def test_finishing_races_with_the_clock_and_the_facts_keep_their_legal_order(hall: Hall) -> None:
    """Officers finish in the very moment in which the due moment passes: overdue first, or not at all."""
    await hall.tomorrow()
    codes = [await hall.accept(hall.catalogue.case(*SHORT)) for _ in range(12)]
    ready = [await hall.walk_until(code, "finish") for code in codes]
    hall.move_clock(hall.now().replace(hour=16, minute=59))
    await hall.timers_fired()
    late = hall.now().replace(hour=17, minute=5)
    hall.move_clock(late)
    answers = await asyncio.gather(
        *(
            hall.act(code, "finish", (duty["role"], duty["agency"]), version)
            for code, (duty, version) in zip(codes, ready, strict=True)
        )
    )
    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}
    await hall.timers_fired()
    for code in codes:
        told = await hall.facts_of(code)
        assert [name for name, _ in told][-2:] == ["became_overdue", "result_ready"]
        assert [moment for _, moment in told] == sorted(moment for _, moment in told)


async def test_an_act_that_waited_is_dated_when_it_took_effect(hall: Hall) -> None:
    """Its dossier was held while the due moment passed: the clock's own move comes first, then a late finish."""
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*SHORT))
    duty, version = await hall.walk_until(code, "finish")
    due = hall.now().replace(hour=17, minute=0)
    hall.move_clock(due)
    await hall.timers_fired()

    async def waits() -> bool:
        return bool(
            await hall.database.fetchval(
                "select count(*) from pg_stat_activity"
                " where application_name = 'motcua-processing' and wait_event_type = 'Lock'"
            )
        )

    async with hall.held(code):
        act = asyncio.create_task(hall.act(code, "finish", (duty["role"], duty["agency"]), version))
        await until(waits, "the act waits for its dossier")
        hall.move_clock(due + SECOND)
    assert (await act).status_code == HTTPStatus.OK
    assert (await hall.facts_of(code))[-2:] == [("became_overdue", due), ("result_ready", due + SECOND)]


async def test_an_apology_is_owed_once_its_draft_opens_and_is_sent_once(hall: Hall) -> None:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*LAND))
    promised = (await hall.dossier(code))["promised_due"]
    competent = ("leader", "H56.92.01")
    early = await hall.act(code, "send_apology", competent, 1, {"reason": "workload"})
    assert (early.status_code, early.json()["code"]) == (HTTPStatus.CONFLICT, "draft_open")
    await hall.tomorrow()
    hall.move_clock(hall.now().replace(hour=17, minute=0))
    await hall.timers_fired()
    item = await hall.item(code, *competent)
    assert [(duty["step_no"], duty["action"]) for duty in item["duties"]] == [(0, "send_apology")]
    unlisted = await hall.act(code, "send_apology", competent, 1, {"reason": "because Nguyễn was ill"})
    assert unlisted.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    sent = await hall.act(code, "send_apology", competent, 1, {"reason": "workload"})
    assert sent.status_code == HTTPStatus.OK, sent.text
    assert sent.json()["reappointed_to"] > promised
    again = await hall.act(code, "send_apology", competent, 2, {"reason": "workload"})
    assert (again.status_code, again.json()["code"]) == (HTTPStatus.CONFLICT, "no_apology_before")
    assert (await hall.dossier(code))["promised_due"] == promised
    assert code not in {item["code"] for item in await hall.worklist(*competent)}


async def test_a_wave_is_opened_whole_and_a_duplicate_changes_nothing(hall: Hall) -> None:
    await hall.tomorrow()
    kind = hall.catalogue.case(*LAND)
    drafts = [hall.accepted(hall.next_code(kind), kind) for _ in range(300)]
    before = await hall.quiet()
    await hall.publish(*drafts)
    await hall.opened(drafts[-1].subject)

    async def all_applied() -> bool:
        applied = (await hall.quiet())["applied"]["intake/dossier.lifecycle.v1"]
        return bool(applied == before["applied"]["intake/dossier.lifecycle.v1"] + len(drafts))

    await until(all_applied, "the wave is applied")
    codes = [draft.subject for draft in drafts]
    opened = {"cases": 300, "fresh": 300, "steps": 300 * 5, "timers": 900, "duties": 300}
    assert await counts(hall, codes) == opened
    seen = await duplicates(hall)
    again = await hall.publish_again(codes)

    async def all_dropped() -> bool:
        return await duplicates(hall) >= seen + again

    await until(all_dropped, "the duplicates are dropped")
    assert (again, await duplicates(hall)) == (300, seen + 300)
    assert await counts(hall, codes) == opened
    assert (await hall.quiet())["parked"] == 0


async def duplicates(hall: Hall) -> float:
    """How many facts processing has dropped as duplicates, by its metrics' latest snapshot."""
    samples = [
        sample.value
        for family in text_string_to_metric_families((await hall.http.get("/metrics")).text)
        for sample in family.samples
        if sample.name == "motcua_consumer_facts_total" and sample.labels["outcome"] == "duplicate"
    ]
    return sum(samples)


async def counts(hall: Hall, codes: list[str]) -> dict[str, int]:
    found = await hall.database.fetchrow(
        """
        select count(*) as cases, count(*) filter (where state = 2 and version = 1) as fresh,
            (select count(*) from processing.steps s where s.code = any($1)) as steps,
            (select count(*) from processing.timers t where t.code = any($1)) as timers,
            (select count(*) from processing.duties d where d.code = any($1)) as duties
        from processing.cases where code = any($1)
        """,
        codes,
    )
    return dict(found or {})


async def test_a_fact_that_names_an_unknown_rule_version_waits_and_readyz_says_so(hall: Hall) -> None:
    """The consumer pauses until the version comes, which here it is told in the end."""
    kind, unknown = hall.catalogue.case(*LAND), "calendar-9-ffffffffffff"
    code = hall.next_code(kind)
    await hall.publish(hall.accepted(code, kind, calendar_version=unknown))

    async def paused() -> bool:
        answer = await hall.http.get("/readyz")
        return answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE and unknown in answer.text

    await until(paused, "the consumer pauses")
    assert (await hall.http.get("/livez")).status_code == HTTPStatus.OK
    assert await hall.worklist("desk", COMMUNE) is not None
    assert (await hall.quiet())["parked"] == 0
    await hall.publish_calendar(unknown, hall.calendar.content.model_dump(mode="json"))
    await hall.opened(code)
    other = await hall.accept(hall.catalogue.case(*SHORT))
    assert other.startswith(DISTRICT_DESK)
