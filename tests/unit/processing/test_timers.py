"""What the legal clock does by itself, and when (C11, C12)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.processing.domain.duties import duties
from services.processing.domain.timers import Timer, TimerKind, fire
from shared.contracts.facts import ApologyDrafted, BecameOverdue, HalfTimeReached, State
from tests.unit.processing.office import MONDAY, kind_of, opened

SECOND = timedelta(seconds=1)


def test_timers_are_set_from_the_promised_limit() -> None:
    timers = {timer.kind: timer.due_at for timer in opened(kind_of("2.000528")).timers}
    assert timers == {
        TimerKind.HALF_TIME: MONDAY.replace(hour=14),
        TimerKind.DRAFT_APOLOGY: MONDAY.replace(hour=14),
        TimerKind.BECOME_OVERDUE: MONDAY.replace(hour=17),
    }


def test_overdue_is_strictly_after_the_due_moment_and_carries_it_as_legal_time() -> None:
    found = opened(kind_of("2.000528"))
    timer = next(timer for timer in found.timers if timer.kind is TimerKind.BECOME_OVERDUE)
    assert fire(found.case, [timer], timer.due_at).facts == ()
    (drafted,) = fire(found.case, [timer], timer.due_at + SECOND).facts
    assert isinstance(drafted.fact, BecameOverdue)
    assert drafted.legal_time == drafted.fact.promised_due == found.case.promised_due


def test_timers_that_are_due_together_fire_in_the_order_of_their_moments() -> None:
    found = opened(kind_of("2.000528"))
    decision = fire(found.case, tuple(reversed(found.timers)), MONDAY + timedelta(days=9))
    assert [type(each.fact) for each in decision.facts] == [HalfTimeReached, ApologyDrafted, BecameOverdue]
    assert decision.after.version == found.case.version


def test_a_draft_is_owed_by_the_leader_who_decides_until_it_is_sent_or_the_dossier_finished() -> None:
    found = opened(kind_of("2.000528"))
    case = fire(found.case, found.timers, MONDAY.replace(hour=15)).after
    (duty,) = (duty for duty in duties(case) if duty.action == "send_apology")
    assert (duty.agency, duty.role, duty.step_no) == (case.competent_agency, "leader", 0)
    assert len(duties(replace(case, apologised_at=MONDAY))) == len(duties(case)) - 1
    finished = replace(case, state=State.READY, finished_at=MONDAY)
    assert [duty.action for duty in duties(finished)] == ["hand_over"]


@pytest.mark.parametrize("state", [State.READY, State.HANDED_OVER, State.WITHDRAWN, State.STOPPED, State.REFUSED])
def test_a_timer_is_spent_without_a_fact_where_its_state_is_over(state: State) -> None:
    found = opened(kind_of("2.000528"))
    case = replace(found.case, state=state)
    decision = fire(case, found.timers, MONDAY + timedelta(days=9))
    assert decision.facts == ()
    assert decision.after is case


def test_a_timer_fires_only_when_its_moment_has_come() -> None:
    found = opened(kind_of("1.012784"))
    assert fire(found.case, found.timers, MONDAY).facts == ()
    half = next(timer for timer in found.timers if timer.kind is TimerKind.HALF_TIME)
    assert fire(found.case, [half], half.due_at - SECOND).facts == ()
    assert len(fire(found.case, [half], half.due_at).facts) == 1


def test_what_is_in_time_at_its_moment_waits_for_the_second_after() -> None:
    assert {kind: Timer(kind, MONDAY).fires_at - MONDAY for kind in TimerKind} == {
        TimerKind.HALF_TIME: timedelta(),
        TimerKind.DRAFT_APOLOGY: timedelta(),
        TimerKind.BECOME_OVERDUE: SECOND,
        TimerKind.SUPPLEMENT_LIMIT: SECOND,
        TimerKind.PAYMENT_LIMIT: SECOND,
    }
