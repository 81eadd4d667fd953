"""A dossier without an appointment goes its way: no timers of a promise, never late, no apology, its pauses stand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.metrics.domain import figures
from services.processing.api.deadline_text import deadline_text
from services.processing.api.deadline_views import deadline_view
from services.processing.api.public_views import tracking_view
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, Clock
from services.processing.domain.clock import papers_arrived, restated
from services.processing.domain.deadlines import deadline_of
from services.processing.domain.duties import duties
from services.processing.domain.opening import Opened, Rules
from services.processing.domain.refolding import differences
from services.processing.domain.refusals import Refusal
from services.processing.domain.reissuing import Applied, check
from services.processing.domain.step_times import step_times
from services.processing.domain.timers import TimerKind, alarms_of
from services.processing.domain.workflow import Decision, decide, possible
from services.processing.domain.worklists import Urgency, days_of, urgency_of
from shared.contracts.facts import Language, SupplementReceived
from shared.rulebook.explanation_text import WORDS
from shared.rulebook.figures import Figure
from shared.rulebook.limits import NO_APPOINTMENT, judge
from tests.unit.processing.office import CODE, MONDAY, act_for, officer_for
from tests.unit.processing.test_filed_online import accepted, asked, changed, dues, history_of, means, opened
from tests.unit.processing.test_pausing import CLERK, march
from tests.unit.processing.test_reissuing import SWAPPED

LINES = (
    "1.000894,verified,limit_kind,none",
    "1.000894,verified,statutory,",
    "1.000894,verified,promised,",
)
NEVER = (NO_APPOINTMENT, NO_APPOINTMENT)
OF_THE_PROMISE = {TimerKind.HALF_TIME, TimerKind.DRAFT_APOLOGY, TimerKind.BECOME_OVERDUE}
LATER = datetime(2025, 6, 2, 9, tzinfo=MONDAY.tzinfo)
"""Five years on: whatever could be late is."""


@pytest.fixture(scope="module")
def found() -> Rules:
    return changed(*LINES)


@pytest.fixture(scope="module")
def fresh(found: Rules) -> Opened:
    return opened(found, online=False)


def goes_on(case: Case, found: Rules) -> Case:
    case = papers_arrived(case, (), march(11, 14, 30))
    return restated(case, case.kind(found.catalogue), found.calendar)


def finished(case: Case, found: Rules, now: datetime) -> list[Decision]:
    """Do whatever is owed until there is a result."""
    done = []
    while case.finished_at is None:
        duty = duties(case)[0]
        act = replace(act_for(duty, case), other_communes=("H56.97.22",) if duty.step_no == 2 else ())
        done.append(decide(case, act, officer_for(duty), now, seen_version=case.version, means=means(found)))
        case = done[-1].after
    return done


def test_it_opens_without_due_moment_and_without_a_timer(fresh: Opened) -> None:
    assert (fresh.case.limit_kind, dues(fresh.case), fresh.timers) == ("none", NEVER, ())


@pytest.mark.parametrize("now", [MONDAY, LATER])
def test_it_is_never_late_nor_due_nor_at_risk(fresh: Opened, found: Rules, now: datetime) -> None:
    assert urgency_of(Clock.RUNNING, fresh.case.promised_due, days_of(found.calendar, now)) is Urgency.IN_TIME
    assert step_times(fresh.case, fresh.case.kind(found.catalogue), found.calendar, now).lateness is None
    assert judge(fresh.case.promised_due, now) == "on_time"


def test_a_supplement_stops_it_with_the_applicants_own_limit_and_lets_it_go_on_to_no_day(
    fresh: Opened, found: Rules
) -> None:
    assigned, stopped = asked(fresh.case, found)
    waiting = stopped.after
    assert waiting.promised_paused_since == waiting.statutory_paused_since == march(2, 10)
    assert waiting.halts[0].limit_at == march(9)
    alarms = alarms_of(assigned.after, waiting, means(found), march(2, 10))
    assert [(timer.kind, timer.due_at) for timer in alarms.set] == [(TimerKind.SUPPLEMENT_LIMIT, march(9))]
    going = goes_on(waiting, found)
    assert (dues(going), going.promised_paused_since) == (NEVER, None)
    assert not OF_THE_PROMISE & {timer.kind for timer in alarms_of(waiting, going, means(found), march(11, 14, 30)).set}
    confirmed = decide(
        going, Act("receive_supplement"), CLERK, march(12, 9), seen_version=going.version, means=means(found)
    )
    told = confirmed.facts[0].fact
    assert isinstance(told, SupplementReceived)
    assert (told.promised_due, told.statutory_due) == NEVER


def test_no_apology_is_sent_for_what_was_promised_for_no_day(fresh: Opened, found: Rules) -> None:
    case = asked(fresh.case, found)[0].after
    boss = Officer("boss", "leader", case.competent_agency)
    apology = Act("send_apology", reason=act_for(duties(fresh.case)[0], fresh.case).reason)
    with pytest.raises(Refusal) as refused:
        decide(case, apology, boss, LATER, seen_version=case.version, means=means(found))
    assert refused.value.code == "draft_open"
    assert "send_apology" not in possible(case, boss, LATER, found.agencies)


def test_a_dispatch_leaves_it_as_it_is(fresh: Opened, found: Rules) -> None:
    checked = check(fresh.case, fresh.case.kind(found.catalogue), Applied(SWAPPED, march(3, 9)), ())
    assert (checked.promise_moved, checked.facts, dues(checked.after)) == (False, (), NEVER)


def test_its_facts_add_up_and_a_due_moment_set_by_hand_is_found(fresh: Opened, found: Rules) -> None:
    decisions = asked(fresh.case, found)
    case = goes_on(decisions[-1].after, found)
    history = history_of(found, decisions, march(11, 14, 30), online=False)
    assert differences(case, history, found, ()) == ()
    assert [each.what for each in differences(replace(case, promised_due=march(20)), history, found, ())] == [
        "promised_due"
    ]


def test_the_explanation_names_no_day_and_tracking_says_that_there_is_none(fresh: Opened, found: Rules) -> None:
    case = fresh.case
    kind = case.kind(found.catalogue)
    deadline = deadline_of(case, kind, (found.calendar, SWAPPED))
    times = step_times(case, kind, found.calendar, MONDAY + timedelta(hours=1))
    view = deadline_view(case, (kind, found.agencies), deadline, times, officers=True)
    for limit in (view.promised, view.statutory):
        assert (limit.limit.unit, limit.limit.n, limit.wanted, limit.due_at) == ("none", None, 0, None)
        assert (limit.half_time_at, limit.apology_draft_at, limit.paused_since) == (None, None, None)
    for language in Language:
        text = deadline_text(view, deadline, language)
        assert text.count(WORDS[language]["none"]) == 2
        assert "9999" not in text
    assert tracking_view(case, found.catalogue).appointed is False


@pytest.mark.parametrize("now", [MONDAY, LATER])
def test_it_is_resolved_on_time_whenever_it_is_finished_and_in_progress_within_limit_before(
    fresh: Opened, found: Rules, now: datetime
) -> None:
    """Nothing was promised, so nothing was missed: 3 = 7 + 11 and 7 = 8 + 9 + 10 hold with it among 9 or 12."""
    dossier = figures.change(figures.Dossier(CODE), accepted(found, online=False), MONDAY)
    assert {tally.figure for tally in figures.tallies(dossier)} == {Figure.RECEIVED}
    for decision in finished(fresh.case, found, now):
        for drafted in decision.facts:
            if type(drafted.fact) in figures.CHANGES:
                dossier = figures.change(dossier, drafted.fact, drafted.legal_time)
    counted = {tally.figure: tally.day for tally in figures.tallies(dossier)}
    assert counted == {Figure.RECEIVED: MONDAY.date(), Figure.RESOLVED_ON_TIME: now.date()}
