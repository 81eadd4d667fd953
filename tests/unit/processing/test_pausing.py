"""Supplements, payments and excluded periods: who stops the clock, what it does to both due moments and the timers."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.clock import papers_arrived, restated
from services.processing.domain.duties import Duty, duties
from services.processing.domain.refusals import Refusal
from services.processing.domain.statuses import PaymentStatus, payment_status
from services.processing.domain.timers import Alarms, Timer, TimerKind, alarms_of, fire
from services.processing.domain.workflow import Decision, decide, possible
from shared.contracts import facts
from shared.contracts.facts import Period, State
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.pauses import PauseKind
from tests.unit.processing.office import DESK, MONDAY, TOWNSHIP, do, kind_of, means, officer_for, opened, rules, walk
from tests.unit.processing.test_workflow import at_duty, refused

VERIFIED, RESTARTS, LAND, TAXED = (
    kind_of("1.000894", "verified"),
    kind_of("1.012783"),
    kind_of("1.012784"),
    kind_of("1.012783", "special"),
)
"""Five working days by law and two promised, under each policy; the third has a survey, the fourth a tax."""
CLERK = Officer("clerk", "desk", TOWNSHIP)
ANNA, CHIEF = Officer("anna", "specialist", TOWNSHIP), Officer("chief", "leader", TOWNSHIP)
REGISTRY = "H56.92.01"
SURVEYOR, HEAD = Officer(f"specialist.{REGISTRY}", "specialist", REGISTRY), Officer("head", "leader", REGISTRY)
PAPERS = ("giay-to-tuy-than",)
ASK = Act("request_supplement", papers=PAPERS)


def march(day: int, hour: int = 17, minute: int = 0) -> datetime:
    return datetime(2020, 3, day, hour, minute, tzinfo=ZONE)


ASKED, ARRIVED = march(4, 10), march(11, 14, 30)


def acted(case: Case, act: Act, officer: Officer, now: datetime = MONDAY) -> Decision:
    return decide(case, act, officer, now, seen_version=case.version, means=means())


def assigned(case: Case) -> Case:
    return do(case, duties(case)[0]).after


def arrive(case: Case, at: datetime, missing: tuple[str, ...] = ()) -> Case:
    """Papers reach intake: what processing makes of the fact."""
    after = papers_arrived(case, missing, at)
    return after if after is case else restated(after, means().kind_of(after), means().calendar)


def waiting(case: Case | None = None, at: datetime = ASKED) -> Case:
    return acted(assigned(opened(VERIFIED).case) if case is None else case, ASK, CLERK, at).after


def test_papers_are_asked_for_once_and_both_clocks_stand() -> None:
    before = assigned(opened(VERIFIED).case)
    decision = acted(before, ASK, CLERK, ASKED)
    case, told = decision.after, decision.facts[0].fact
    assert (case.state, case.version) == (State.WAITING_FOR_PAPERS, before.version + 1)
    assert case.statutory_paused_since == case.promised_paused_since == ASKED
    assert (case.statutory_due, case.promised_due) == (before.statutory_due, before.promised_due)
    (halt,) = case.halts
    assert (halt.kind, halt.begins_at, halt.ends_at, halt.came_from) == (PauseKind.SUPPLEMENT, ASKED, None, 4)
    assert (halt.agency, halt.officer, halt.papers, halt.missing) == (TOWNSHIP, "clerk", PAPERS, PAPERS)
    assert isinstance(told, facts.SupplementRequested)
    assert (told.statutory_due, told.promised_due) == (None, None)
    assert (told.state, told.agency, told.officer, told.number, told.papers) == (5, TOWNSHIP, "clerk", 1, PAPERS)
    assert (told.limit_at, told.policy, told.proposed_by) == (march(11), "resume", "")
    assert told.basis == halt.basis == "nd61_2018_d19"
    assert duties(case) == ()
    assert refused(case, ASK, CLERK).code == "illegal_move"
    back = acted(arrive(case, ARRIVED), Act("receive_supplement"), CLERK, march(12, 9)).after
    assert refused(back, ASK, CLERK).code == "first_request"


def test_the_clock_goes_on_when_the_last_paper_has_arrived_whenever_the_desk_confirms_it() -> None:
    """Vector 18 for the law's five days; by the promise of two only 3 and 11 March count."""
    half = arrive(waiting(), march(10, 9), missing=PAPERS)
    assert (half.promised_paused_since, half.halts[0].missing) == (ASKED, PAPERS)
    assert refused(half, Act("receive_supplement"), CLERK).code == "everything_arrived"
    arrived = arrive(half, ARRIVED)
    assert (arrived.state, arrived.halts[0].ends_at) == (State.WAITING_FOR_PAPERS, ARRIVED)
    assert (arrived.statutory_due, arrived.promised_due) == (march(16), march(11))
    assert (arrived.statutory_paused_since, arrived.promised_paused_since) == (None, None)
    assert [(duty.action, duty.agency, duty.role) for duty in duties(arrived)] == [
        ("receive_supplement", TOWNSHIP, "desk")
    ]
    decision = acted(arrived, Act("receive_supplement"), CLERK, march(13, 9))
    case, told = decision.after, decision.facts[0].fact
    assert (case.state, case.steps) == (State.PROCESSING, waiting().steps)
    assert isinstance(told, facts.SupplementReceived)
    assert (told.statutory_due, told.promised_due) == (case.statutory_due, case.promised_due) == (march(16), march(11))
    assert (told.asked_at, told.arrived_at, told.restarted, told.number) == (ASKED, ARRIVED, False, 1)


def test_asked_in_state_2_it_comes_back_to_state_2() -> None:
    asked = acted(opened(VERIFIED).case, ASK, CLERK, ASKED).after
    back = acted(arrive(asked, ARRIVED), Act("receive_supplement"), CLERK, march(12, 9)).after
    assert (back.state, duties(back)[0].action) == (State.ACCEPTED, "assign")


def test_under_the_restart_policy_the_whole_limit_runs_again_at_the_first_step() -> None:
    """Vector 21 for the law's five days."""
    case = opened(RESTARTS).case
    desk = Officer("desk", "desk", case.received_by)
    case = do(case, duties(case)[0]).after
    case = do(case, duties(case)[0], march(3, 9)).after
    assert case.some_step_completed
    paper = RESTARTS.papers[0].code
    asked = acted(case, Act("request_supplement", papers=(paper,)), SURVEYOR, ASKED).after
    decision = acted(arrive(asked, ARRIVED), Act("receive_supplement"), desk, march(12, 9))
    after, told = decision.after, decision.facts[0].fact
    assert after.state is State.ACCEPTED
    assert (after.statutory_due, after.promised_due) == (march(18), march(13))
    assert [step.status for step in after.steps] == ["done", "open", *("waiting",) * (len(after.steps) - 2)]
    assert after.steps[1].holder is None
    assert [len(step.earlier) for step in after.steps[:3]] == [0, 1, 1]
    assert isinstance(told, facts.SupplementReceived)
    assert (told.state, told.restarted) == (2, True)
    assert duties(after)[0].action == "assign"


def test_what_is_late_stays_late_and_a_pause_of_the_other_limit_is_its_own() -> None:
    """Vectors 23 and 24: asked at the very due moment of the promise, long before that of the law."""
    case = assigned(opened(VERIFIED).case)
    assert (case.promised_due, case.statutory_due) == (march(4), march(9))
    decision = acted(case, ASK, CLERK, march(4))
    asked, told = decision.after, decision.facts[0].fact
    assert (asked.promised_paused_since, asked.statutory_paused_since) == (None, march(4))
    assert isinstance(told, facts.SupplementRequested)
    assert (told.promised_due, told.statutory_due) == (march(4), None)
    back = acted(arrive(asked, ARRIVED), Act("receive_supplement"), CLERK, march(12, 9)).after
    # By law 3 and 4 March had counted; it goes on with the 11th.
    assert (back.promised_due, back.statutory_due) == (march(4), march(13))


@pytest.mark.parametrize("papers", [(), ("nowhere",), (*PAPERS, "nowhere"), PAPERS * 2])
def test_papers_are_ticked_from_the_pinned_list(papers: tuple[str, ...]) -> None:
    case = assigned(opened(VERIFIED).case)
    assert refused(case, replace(ASK, papers=papers), CLERK).code == "papers_of_pinned_list"


def test_a_second_request_is_proposed_and_a_leader_approves_it() -> None:
    case = assigned(opened(VERIFIED).case)
    propose, approve = Act("propose_supplement", papers=PAPERS), Act("approve_supplement")
    assert refused(case, propose, ANNA).code == "not_first_request"
    back = acted(arrive(waiting(case), ARRIVED), Act("receive_supplement"), CLERK, march(12, 9)).after
    assert refused(back, approve, CHIEF).code == "supplement_proposed"
    assert refused(back, replace(propose, papers=()), ANNA).code == "papers_of_pinned_list"
    decision = acted(back, propose, ANNA, march(12, 10))
    proposed, told = decision.after, decision.facts[0].fact
    assert isinstance(told, facts.SupplementProposed)
    assert (told.state, told.number, told.papers) == (4, 2, PAPERS)
    assert (proposed.state, proposed.promised_paused_since) == (State.PROCESSING, None)
    assert ("approve_supplement", TOWNSHIP, "leader") in {
        (each.action, each.agency, each.role) for each in duties(proposed)
    }
    approved = acted(proposed, approve, CHIEF, march(12, 11))
    again = approved.facts[0].fact
    assert isinstance(again, facts.SupplementRequested)
    assert (again.number, again.officer, again.proposed_by) == (2, "chief", "anna")
    assert (approved.after.state, approved.after.proposal, approved.after.supplements) == (5, None, 2)


def test_after_its_own_limit_an_incomplete_supplement_may_be_refused() -> None:
    """The limit is 11 March 17:00; exactly at it is in time (C13)."""
    case, refuse = waiting(), Act("refuse_after_limit")
    limit = march(11)
    assert case.halts[0].limit_at == limit
    second = timedelta(seconds=1)
    assert acted_code(case, refuse, limit) == "supplement_limit_passed"
    timer = Timer(TimerKind.SUPPLEMENT_LIMIT, limit)
    assert fire(case, [timer], limit).facts == ()
    fired = fire(case, [timer], limit + second)
    told = fired.facts[0]
    assert isinstance(told.fact, facts.SupplementLimitReached)
    assert (told.legal_time, told.fact.since, told.fact.state) == (limit, ASKED, 5)
    assert [duty.action for duty in duties(fired.after)] == ["refuse_after_limit"]
    in_time, late = arrive(case, limit), arrive(case, limit + second)
    assert acted_code(in_time, refuse, limit + second) == "not_everything_arrived_in_time"
    assert acted(late, Act("receive_supplement"), CLERK, limit + 2 * second).after.state is State.PROCESSING
    decision = acted(late, refuse, CLERK, limit + 2 * second)
    assert isinstance(decision.facts[0].fact, facts.RefusedAfterLimit)
    closed = decision.after
    assert (closed.state, closed.closed_at, duties(closed)) == (State.REFUSED, limit + 2 * second, ())
    assert arrive(closed, limit + 3 * second) is closed


def acted_code(case: Case, act: Act, now: datetime, officer: Officer = CLERK) -> str:
    with pytest.raises(Refusal) as caught:
        acted(case, act, officer, now)
    return caught.value.code


def taxed() -> Case:
    """The dossier at the step at which the tax office waits for money."""
    return next(case for case, duty in walked(TAXED) if duty.step_no == 4)


def walked(kind: Kind) -> list[tuple[Case, Duty]]:
    return [(case, duty) for case, duty, _ in walk(opened(kind).case)]


def test_a_payment_stops_the_clock_until_all_of_it_is_paid() -> None:
    case = taxed()
    step = next(case.open_steps())
    assert (step.period, payment_status(case)) == ("tax", PaymentStatus.NOTHING_DEMANDED)
    taxman, desk = Officer("taxman", "specialist", step.agency), Officer("desk", "desk", case.received_by)
    assert "pause" not in possible(case, taxman, MONDAY, rules().agencies)
    decision = acted(case, Act("demand_payment", amount_vnd=1_250_000), taxman, march(3, 8))
    waits, told = decision.after, decision.facts[0].fact
    assert (waits.state, payment_status(waits)) == (State.WAITING_FOR_PAYMENT, PaymentStatus.DEMANDED)
    assert isinstance(told, facts.PaymentDemanded)
    assert (told.amount_vnd, told.promised_due, told.basis) == (1_250_000, None, "procedure_excluded_period")
    assert told.limit_at == march(24)
    assert [(duty.action, duty.agency) for duty in duties(waits)] == [("record_payment", case.received_by)]
    for paid in (None, 1, 1_249_999):
        assert acted_code(waits, Act("record_payment", amount_vnd=paid), march(5, 8), desk) == "paid_in_full"
    paid_up = acted(waits, Act("record_payment", amount_vnd=1_250_000), desk, march(5, 8))
    assert (paid_up.after.state, payment_status(paid_up.after)) == (State.PROCESSING, PaymentStatus.PAID)
    said = paid_up.facts[0].fact
    assert isinstance(said, facts.PaymentRecorded)
    assert (said.demanded_at, said.promised_due) == (march(3, 8), paid_up.after.promised_due)
    assert paid_up.after.promised_due > case.promised_due


def test_who_does_not_pay_in_time_may_be_stopped() -> None:
    case = taxed()
    taxman = Officer("taxman", "specialist", next(case.open_steps()).agency)
    waits = acted(case, Act("demand_payment", amount_vnd=5), taxman, march(3, 8)).after
    leader = Officer("head", "leader", case.competent_agency)
    assert acted_code(waits, Act("stop_unpaid"), march(24), leader) == "payment_limit_passed"
    fired = fire(waits, [Timer(TimerKind.PAYMENT_LIMIT, march(24))], march(25))
    assert isinstance(fired.facts[0].fact, facts.PaymentLimitReached)
    assert payment_status(fired.after) is PaymentStatus.UNPAID
    assert [duty.action for duty in duties(fired.after)] == ["record_payment", "stop_unpaid"]
    decision = acted(fired.after, Act("stop_unpaid"), leader, march(25))
    told = decision.facts[0].fact
    assert isinstance(told, facts.DossierStopped)
    assert (told.cause, decision.after.state, decision.after.closed_at) == ("unpaid", State.STOPPED, march(25))


def surveying() -> Case:
    return do(*at_duty(LAND, "assign")).after


def test_an_excluded_period_is_the_open_steps_own_and_stops_everything_that_would_pass_it_on() -> None:
    case = surveying()
    pause, resume = Act("pause", period=Period.SURVEY), Act("resume")
    assert refused(case, resume, SURVEYOR).code == "paused_by_period"
    for period in (None, Period.POSTING):
        assert refused(case, replace(pause, period=period), SURVEYOR).code == "period_of_open_step"
    decision = acted(case, pause, SURVEYOR, march(3, 9))
    paused, told = decision.after, decision.facts[0].fact
    assert isinstance(told, facts.ClockPaused)
    assert (told.state, told.step_no, told.period, told.promised_due) == (4, 2, "survey", None)
    assert (paused.state, paused.promised_paused_since) == (State.PROCESSING, march(3, 9))
    assert [(duty.action, duty.step_no, duty.agency) for duty in duties(paused)] == [("resume", 2, REGISTRY)]
    paper = LAND.papers[0].code
    for act, officer in (
        (pause, SURVEYOR),
        (Act("forward"), SURVEYOR),
        (Act("request_supplement", papers=(paper,)), SURVEYOR),
        (Act("demand_payment", amount_vnd=5), SURVEYOR),
        (Act("ask_agency", agency=TOWNSHIP), SURVEYOR),
    ):
        assert refused(paused, act, officer).code == "not_paused"
    goes_on = acted(paused, resume, SURVEYOR, march(10, 9))
    said = goes_on.facts[0].fact
    assert isinstance(said, facts.ClockResumed)
    assert (said.paused_at, said.period, said.step_no) == (march(3, 9), "survey", 2)
    # Four working days: 10, 11, 12 and 13 March; on the 3rd it stood at the close.
    assert said.promised_due == goes_on.after.promised_due == march(13)
    assert [(duty.action, duty.step_no) for duty in duties(goes_on.after)] == [("forward", 2)]
    assert acted(goes_on.after, Act("forward"), SURVEYOR, march(10, 10)).after.steps[1].is_done


def test_a_step_that_is_no_period_is_not_paused() -> None:
    case = assigned(opened(VERIFIED).case)
    officer = officer_for(duties(case)[0])
    assert "pause" not in possible(case, officer, MONDAY, rules().agencies)
    assert refused(case, Act("pause", period=Period.SURVEY), officer).code == "period_of_open_step"


def wanted_back(case: Case) -> Case:
    return replace(case, withdrawal_requested_at=march(3, 8))


def test_a_dossier_is_withdrawn_before_any_step_was_completed_and_stopped_after() -> None:
    fresh = opened(VERIFIED).case
    withdraw, stop = Act("withdraw"), Act("stop")
    assert refused(fresh, withdraw, CLERK).code == "withdrawal_requested"
    assert [duty.action for duty in duties(wanted_back(fresh))] == ["assign", "withdraw"]
    decision = acted(wanted_back(fresh), withdraw, CLERK, march(3, 9))
    told = decision.facts[0].fact
    assert isinstance(told, facts.DossierWithdrawn)
    assert (told.requested_at, decision.after.state, decision.after.closed_at) == (march(3, 8), 7, march(3, 9))
    assert duties(decision.after) == ()
    started = assigned(fresh)
    assert refused(started, stop, CHIEF).code == "withdrawal_requested"
    assert refused(wanted_back(started), stop, CHIEF).code == "some_step_completed"
    begun = wanted_back(started)
    while not begun.some_step_completed:
        begun = do(begun, duties(begun)[0]).after
    assert refused(begun, withdraw, CLERK).code == "no_step_completed"
    assert "stop" in [duty.action for duty in duties(begun)]
    stopped = acted(begun, stop, CHIEF, march(3, 10))
    said = stopped.facts[0].fact
    assert isinstance(said, facts.DossierStopped)
    assert (said.cause, stopped.after.state) == ("withdrawal", State.STOPPED)
    signed = wanted_back(next(case for case, duty in walked(VERIFIED) if case.signature is not None))
    assert refused(signed, stop, CHIEF).code == "not_signed"


@pytest.mark.parametrize("when", ["waiting for papers", "waiting for money"])
def test_a_dossier_that_waits_is_withdrawn_or_stopped_too(when: str) -> None:
    if when == "waiting for papers":
        case, officer, act = wanted_back(waiting()), CLERK, Act("withdraw")
    else:
        before = taxed()
        taxman = Officer("taxman", "specialist", next(before.open_steps()).agency)
        case = wanted_back(acted(before, Act("demand_payment", amount_vnd=5), taxman, march(3, 8)).after)
        officer, act = Officer("head", "leader", case.competent_agency), Act("stop")
    assert act.action in [duty.action for duty in duties(case)]
    after = acted(case, act, officer, march(5, 8)).after
    assert after.closed_at == march(5, 8)
    assert payment_status(after) is not PaymentStatus.DEMANDED


def alarms(before: Case, after: Case, now: datetime = MONDAY) -> Alarms:
    return alarms_of(before, after, means(), now)


def kinds_of(found: Alarms) -> dict[TimerKind, datetime]:
    return {timer.kind: timer.due_at for timer in found.set}


WARNINGS = {TimerKind.HALF_TIME, TimerKind.DRAFT_APOLOGY, TimerKind.BECOME_OVERDUE}


def test_timers_follow_the_due_moment() -> None:
    before = assigned(opened(VERIFIED).case)
    asked = waiting(before)
    stands = alarms(before, asked)
    assert set(stands.dropped) == WARNINGS
    assert kinds_of(stands) == {TimerKind.SUPPLEMENT_LIMIT: march(11)}
    arrived = arrive(asked, ARRIVED)
    goes_on = alarms(asked, arrived)
    assert set(goes_on.dropped) == {*WARNINGS, TimerKind.SUPPLEMENT_LIMIT}
    # Two promised days from Monday 9:00: of the time until Wednesday 4 March 10:00 and from the arrival on.
    assert kinds_of(goes_on)[TimerKind.BECOME_OVERDUE] == march(11)
    assert set(kinds_of(goes_on)) == WARNINGS
    assert min(kinds_of(goes_on).values()) >= ARRIVED
    assert alarms(arrived, acted(arrived, Act("receive_supplement"), CLERK, march(12, 9)).after) == ((), ())


def test_a_half_time_fires_once_and_an_unsent_draft_follows_the_due_moment() -> None:
    before = assigned(opened(VERIFIED).case)
    warned = fire(
        before, [Timer(TimerKind.HALF_TIME, march(3, 9)), Timer(TimerKind.DRAFT_APOLOGY, march(3))], march(4, 9)
    )
    case = warned.after
    assert (case.half_time_at, case.draft_opened_at) == (march(3, 9), march(3))
    asked = waiting(case)
    assert asked.draft_is_open
    arrived = arrive(asked, ARRIVED)
    assert not arrived.draft_is_open
    assert set(kinds_of(alarms(asked, arrived))) == {TimerKind.DRAFT_APOLOGY, TimerKind.BECOME_OVERDUE}
    sent = replace(asked, apologised_at=march(5, 9), reappointed_to=march(20))
    apologised = arrive(sent, ARRIVED)
    assert apologised.draft_opened_at == march(3)
    assert set(kinds_of(alarms(sent, apologised))) == {TimerKind.BECOME_OVERDUE}


def test_a_late_dossier_keeps_its_timers_and_a_closed_one_none() -> None:
    case = assigned(opened(VERIFIED).case)
    asked = waiting(case, march(4))
    assert alarms(case, asked) == ((), (Timer(TimerKind.SUPPLEMENT_LIMIT, march(11)),))
    assert alarms(asked, arrive(asked, march(12))) == ((), ())
    withdrawn = acted(wanted_back(asked), Act("withdraw"), CLERK, march(5, 9)).after
    assert alarms(asked, withdrawn) == (tuple(TimerKind), ())


def test_a_pause_of_a_minute_moves_nothing() -> None:
    """Vector 25."""
    case = assigned(opened(VERIFIED).case)
    asked = acted(case, ASK, CLERK, march(3, 10)).after
    back = arrive(asked, march(3, 10, 1))
    assert (back.promised_due, back.statutory_due) == (case.promised_due, case.statutory_due)
    assert set(kinds_of(alarms(asked, back))) == WARNINGS


def test_desks_ask_where_the_dossier_was_received_specialists_where_a_step_is_open() -> None:
    case = surveying()
    act = Act("request_supplement", papers=(LAND.papers[0].code,))
    assert refused(case, act, Officer("x", "desk", REGISTRY)).code == "agency_not_allowed"
    assert refused(case, act, Officer("x", "specialist", case.received_by)).code == "agency_not_allowed"
    assert refused(case, act, HEAD).code == "role_not_allowed"
    for officer in (SURVEYOR, Officer("x", "desk", case.received_by)):
        assert acted(case, act, officer).after.state is State.WAITING_FOR_PAPERS
    assert case.received_by in {DESK, TOWNSHIP}
