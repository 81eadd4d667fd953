"""Every state and every action of the law's table, walked over HTTP on all parts, by everybody: done or refused.

It moves the clock of the whole stack by some days.
"""

from __future__ import annotations

import asyncio
import collections
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time

import pytest

from shared.clocks import OFFICE_ZONE, ScenarioClock, write_scenario
from shared.rulebook.calendar import Calendar
from shared.rulebook.loader import load_seed, parse_calendar
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere, Seen, grown
from tests.integration.together.situations import (
    ACTS,
    BEGINNINGS,
    LAW,
    MARITAL_STATUS,
    OPPOSITES,
    ROLES,
    ROWS,
    SITUATIONS,
    STATES,
    possible,
)
from tests.integration.together.walker import Dossier, Tried, Walker, planned, walking

KEPT = (
    *(f"processing.{name}" for name in ("cases", "steps", "duties", "asks", "halts", "proposals", "timers", "journal")),
    *("intake.dossiers", "intake.papers", "intake.journal"),
)
FIRED = """
select subject, type, legal_time, convert_from(body, 'utf8')::jsonb ->> 'state' as state from processing.journal
where subject = any($1::text[]) and type = any($2::text[]) order by seq
"""
TIMERS = {row.fact: row for row in ROWS if row.conditions == ("due_timer",)}
NEVER = {("6", "half_time"), ("6", "draft_apology")}
"""No timer of the promise is due while money is waited for, but at the due moment itself, which both are before."""


@dataclass(frozen=True)
class Days:
    """The moments of the walk: a morning, the next working day's afternoon and close, a morning after all limits."""

    calendar: Calendar
    first: datetime

    def working(self, number: int, hour: int, minute: int = 0) -> datetime:
        day = self.first.date()
        for _ in range(number):
            day = self.calendar.next_working_day(day)
        return datetime.combine(day, time(hour, minute), tzinfo=OFFICE_ZONE)

    def phases(self) -> tuple[datetime, ...]:
        return self.first, self.working(1, 16), self.working(1, 17), self.working(6, 7, 30)


@dataclass(frozen=True)
class Walked:
    """What was seen: every act tried, what refusals changed and what acts changed, and the timers that fired."""

    days: Days
    dossiers: Sequence[Dossier]
    tried: Sequence[Tried]
    changed_by_refusals: Sequence[Mapping[str, Mapping[str, int]]]
    facts: collections.Counter[str]
    timers: Sequence[tuple[str, str, datetime, str]]


@pytest.fixture(scope="module")
async def walker(everywhere: Everywhere, counter: Desk) -> AsyncIterator[Walker]:
    async with walking(everywhere, counter) as walker:
        yield walker


@pytest.fixture(scope="module")
async def walked(everywhere: Everywhere, walker: Walker) -> Walked:
    assert everywhere.stack.scenario_file is not None
    seed = load_seed()
    calendar = parse_calendar("seed", seed.calendar)
    now = ScenarioClock(everywhere.stack.scenario_file).now()
    first = datetime.combine(calendar.next_working_day(now.date()), time(7, 30), tzinfo=OFFICE_ZONE)
    days = Days(calendar, first)
    dossiers, tried, changed, facts = planned(), list[Tried](), [], collections.Counter[str]()
    for phase, moment in enumerate(days.phases()):
        write_scenario(everywhere.stack.scenario_file, moment)
        await everywhere.stage.watch.timers_fired()
        await walker.bring(dossiers, phase)
        due = [dossier for dossier in dossiers if len(dossier.situation.paths) == phase + 1]
        before = await everywhere.rows(*KEPT)
        standing = [dossier for dossier in due if dossier.alone is None]
        tried += itertools.chain(*await asyncio.gather(*map(walker.refusals, standing)))
        after = await everywhere.rows(*KEPT)
        changed.append(grown(before, after))
        doing = [walker.tried(dossier, *dossier.alone) for dossier in due if dossier.alone is not None]
        tried += await asyncio.gather(*doing)
        facts += _facts(after, await everywhere.rows(*KEPT))
    rows = await everywhere.database.fetch(FIRED, [dossier.code for dossier in dossiers], [*TIMERS])
    return Walked(days, dossiers, tried, changed, facts, [tuple(row) for row in rows])


def _facts(before: Seen, after: Seen) -> collections.Counter[str]:
    """How many facts were written in each journal."""
    return collections.Counter(
        {name: after[name].total() - before[name].total() for name in before if name.endswith("journal")}  # type: ignore[attr-defined]
    )


def test_what_the_situations_speak_of_are_conditions_of_the_law() -> None:
    known = {line.partition(",")[0] for line in (LAW / "conditions.csv").read_text("utf-8").splitlines()}
    said = {code for here in SITUATIONS for code in (*here.holds, *" ".join(here.of.values()).split())}
    assert said - known == {"an apology was sent"}
    assert {code for pair in OPPOSITES for code in pair} - known == {"an apology was sent"}


def test_every_act_is_answered_as_the_law_says(walked: Walked) -> None:
    wrong = [
        str(each)
        for each in walked.tried
        if (each.status, each.said.get("fact", each.said.get("code"))) != (each.law.status, each.law.says)
    ]
    assert wrong == []


def test_whoever_is_refused_is_told_the_state_the_reason_and_exactly_what_he_can_do(walked: Walked) -> None:
    wrong = []
    for each in walked.tried:
        if each.law.status != 409:
            continue
        here, said = each.situation, each.said
        can = said.get("possible", ())
        whole = not here.only and set(can) != possible(here, each.service, each.role)
        if whole or str(said.get("state")) != here.state or f"trạng thái {here.state} (" not in said["detail"]:
            wrong.append(f"{each}: possible {can}")
        assert said["title"]
    assert wrong == []


def test_what_is_done_leads_where_the_law_says_and_what_is_refused_changes_nothing(walked: Walked) -> None:
    done = [each for each in walked.tried if each.law.row is not None]
    wrong = [
        f"{each} → {each.said.get('state')}"
        for each in done
        if each.law.row is not None and str(each.said.get("state")) != (each.law.row.to or each.situation.state)
    ]
    assert wrong == []
    assert list(walked.changed_by_refusals) == [{}] * len(walked.days.phases())
    assert walked.facts == collections.Counter(f"{each.service}.journal" for each in done)


def test_every_row_is_walked_from_each_of_its_states_by_each_of_its_roles(walked: Walked) -> None:
    done = {
        (each.law.row.no, each.situation.state, each.role)
        for each in walked.tried
        if each.law.row is not None and each.status == 200
    }
    law = {
        (row.no, state, role)
        for row in ROWS
        if row.action not in BEGINNINGS and row.roles != ("system",)
        for state in row.states
        for role in row.roles
    }
    assert law - done == set()
    tried = {(each.situation.state, each.service, each.action, each.role) for each in walked.tried}
    every = {
        (state, service, action, role)
        for service, actions in ACTS.items()
        for state, action, role in itertools.product(STATES, actions, ROLES)
    }
    assert every - tried == set()
    assert tried <= every


async def test_a_dossier_is_begun_by_those_alone_whom_the_law_names(everywhere: Everywhere, walker: Walker) -> None:
    fact = "select type from intake.journal where subject = $1"
    for action, row in BEGINNINGS.items():
        for role in ROLES:
            answer = await walker.begin(action, role, MARITAL_STATUS)
            if role not in row.roles:
                assert (answer.status, answer.json()["code"]) == (403, "role_not_allowed"), (action, role)
                continue
            assert (answer.status, str(answer.json()["state"])) == (201, row.to), (action, role)
            told = await everywhere.database.fetch(fact, answer.json()["code"])
            assert row.fact in [kind for (kind,) in told]


def test_every_timer_fires_once_at_its_moment_in_each_state_that_it_can_find(walked: Walked) -> None:
    fired = {(state, TIMERS[kind].action) for _, kind, _, state in walked.timers}
    concerned = {(state, row.action) for row in TIMERS.values() for state in row.states}
    assert concerned - fired == NEVER
    assert fired <= concerned
    assert max(collections.Counter((code, kind) for code, kind, *_ in walked.timers).values()) == 1
    days = walked.days
    moments = {
        **dict.fromkeys(("half_time", "draft_apology"), days.working(1, 7, 15)),
        "become_overdue": days.working(1, 17),
        **dict.fromkeys(("supplement_limit", "payment_limit"), days.working(5, 17)),
    }
    ours = {dossier.code for dossier in walked.dossiers if dossier.situation.kind is MARITAL_STATUS}
    wrong = [
        (kind, moment)
        for code, kind, moment, _ in walked.timers
        if code in ours and moment != moments[TIMERS[kind].action]
    ]
    assert wrong == []
