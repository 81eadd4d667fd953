"""A signature is voided, a finished dossier reopened, a result that was handed over corrected."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, Stay
from services.processing.domain.duties import duties
from services.processing.domain.reasons import CorrectionReason, ReopeningReason, ReturnReason, VoidingReason
from services.processing.domain.timers import TimerKind, alarms_of, timers_of
from services.processing.domain.workflow import Decision, decide, possible
from shared.contracts import facts
from shared.contracts.facts import State
from tests.unit.processing.office import MONDAY, do, kind_of, means, officer_for, opened, rules, walk
from tests.unit.processing.test_workflow import at_duty, refused

SIMPLE, NUMBERED, LAND = kind_of("2.000528"), kind_of("1.001612"), kind_of("1.012784")
WARNINGS = {TimerKind.HALF_TIME, TimerKind.DRAFT_APOLOGY, TimerKind.BECOME_OVERDUE}
BOSS = Officer("boss", "leader", "H56.97")
VOID = Act("void_signature", reason=VoidingReason.RESULT_FAULTY)
REOPEN = Act("reopen", reason=ReopeningReason.RESULT_FAULTY)
CORRECT = Act("correct_result", reason=CorrectionReason.CLERICAL_ERROR)


def acted(case: Case, act: Act, officer: Officer, now: datetime = MONDAY, number: int = 7) -> Decision:
    return decide(case, act, officer, now, seen_version=case.version, means=means(number))


def finished(now: datetime = MONDAY) -> Case:
    return do(*at_duty(SIMPLE, "finish"), now).after


def owed(case: Case) -> list[tuple[str, str]]:
    return [(duty.action, duty.agency) for duty in duties(case)]


def test_a_voided_signature_is_owed_again_and_its_number_is_used_up() -> None:
    signed = do(*at_duty(SIMPLE, "number")).after
    assert signed.result_number == "7/2020/H56.97"
    decision = acted(signed, VOID, BOSS, MONDAY + timedelta(minutes=5))
    case = decision.after
    assert (case.state, case.result_number, case.signature) == (State.PROCESSING, None, None)
    assert [step.status for step in case.steps] == ["done", "done", "done", "open", "waiting"]
    assert len(case.steps[3].earlier) == len(case.steps[4].earlier) == 1
    told = decision.facts[0].fact
    assert isinstance(told, facts.SignatureVoided)
    assert (told.step_no, told.agency, told.officer) == (4, "H56.97", "boss")
    assert (told.result_number, told.reason) == ("7/2020/H56.97", "result_faulty")
    assert owed(case) == [("sign", "H56.97")]
    again = acted(acted(case, Act("sign"), BOSS).after, Act("number"), Officer("c", "desk", "H56.97"), number=8).after
    assert again.result_number == "8/2020/H56.97"


def test_a_signature_without_a_number_is_voided_too_and_its_numbering_step_waits_again() -> None:
    signed = do(*at_duty(NUMBERED, "sign")).after
    leader = Officer("x", "leader", signed.steps[2].agency)
    decision = acted(signed, VOID, leader)
    assert [step.status for step in decision.after.steps] == ["done", "done", "open", *("waiting",) * 3]
    told = decision.facts[0].fact
    assert isinstance(told, facts.SignatureVoided)
    assert told.result_number == ""
    further = next(case for case, duty, _ in walk(opened(NUMBERED).case) if duty.action == "finish")
    back = acted(further, VOID, leader).after
    assert [step.status for step in back.steps] == ["done", "done", "open", *("waiting",) * 3]
    assert owed(back) == [("sign", leader.agency)]


def test_a_signature_is_voided_where_one_stands_by_a_leader_of_who_signed_with_a_reason() -> None:
    case, _ = at_duty(SIMPLE, "sign")
    assert refused(case, VOID, BOSS).code == "signed"
    signed = do(*at_duty(SIMPLE, "sign")).after
    assert refused(signed, replace(VOID, reason=None), BOSS).code == "reason_listed"
    assert refused(signed, replace(VOID, reason=ReopeningReason.NEW_FACTS), BOSS).code == "reason_listed"
    assert refused(signed, VOID, Officer("chief", "leader", "H56.97.04")).code == "agency_not_allowed"
    assert refused(signed, VOID, Officer("clerk", "desk", "H56.97")).code == "role_not_allowed"
    ready = finished()
    found = refused(ready, VOID, BOSS)
    assert (found.code, found.state, found.possible) == ("illegal_move", State.READY, ("reopen",))


def test_a_reopened_dossier_is_in_progress_again_with_its_signature_and_number() -> None:
    ready = finished()
    decision = acted(ready, REOPEN, BOSS, MONDAY + timedelta(hours=1))
    case = decision.after
    assert (case.state, case.finished_at, case.finished_late_at) == (State.PROCESSING, None, None)
    assert (case.result_number, case.promised_due) == (ready.result_number, ready.promised_due)
    *signed, last = ready.steps
    assert last.opened_at is not None
    goes_on = replace(last, opened_at=MONDAY + timedelta(hours=1), earlier=(Stay(last.opened_at, last.opened_at),))
    assert case.steps == (*signed, goes_on), "while it was finished no step's clock ran (C10)"
    told = decision.facts[0].fact
    assert isinstance(told, facts.ResultReopened)
    assert (told.state, told.agency, told.officer, told.reason) == (4, "H56.97", "boss", "result_faulty")
    assert (told.finished_at, told.promised_due) == (MONDAY, ready.promised_due)
    assert {timer.kind for timer in alarms_of(ready, case, means(), MONDAY).set} == WARNINGS
    assert alarms_of(case, ready, means(), MONDAY) == (tuple(TimerKind), ())
    assert owed(case) == [("finish", case.received_by)]
    again = do(case, duties(case)[0], MONDAY + timedelta(hours=2)).after
    assert (again.state, again.finished_at) == (State.READY, MONDAY + timedelta(hours=2))


def test_after_reopening_the_result_can_be_done_again_from_any_step() -> None:
    case = acted(finished(), REOPEN, BOSS).after
    case = acted(case, VOID, BOSS).after
    case = acted(case, Act("take"), BOSS).after
    case = acted(case, Act("return_step", to_step=2, reason=ReturnReason.FACTS_UNCLEAR), BOSS).after
    assert [step.status for step in case.steps] == ["done", "open", "waiting", "waiting", "waiting"]
    while case.state is not State.HANDED_OVER:
        case = do(case, duties(case)[0]).after
    assert all(step.is_done for step in case.steps)


def test_late_is_late_whenever_it_is_finished_anew() -> None:
    due = opened(SIMPLE).case.promised_due
    late = due + timedelta(seconds=1)
    on_time = acted(finished(due), REOPEN, BOSS, due).after
    assert on_time.finished_late_at is None
    first_late = acted(finished(late), REOPEN, BOSS, late + timedelta(hours=1)).after
    assert first_late.finished_late_at == late
    later = do(first_late, duties(first_late)[0], late + timedelta(days=1)).after
    assert acted(later, REOPEN, BOSS, late + timedelta(days=2)).after.finished_late_at == late


@pytest.mark.parametrize(("agency", "may"), [("H56.97", True), ("H56.97.04", True), ("H56.97.01", False)])
def test_who_decides_and_who_signed_may_reopen_and_correct(agency: str, may: bool) -> None:
    leader = Officer("leader", "leader", agency)
    ready = finished()
    handed = do(ready, duties(ready)[0]).after
    for case, act in ((ready, REOPEN), (handed, CORRECT)):
        assert (act.action in possible(case, leader, MONDAY, rules().agencies)) is may
        if may:
            assert acted(case, act, leader).after.version == case.version + 1
        else:
            assert refused(case, act, leader).code == "agency_not_allowed"
        assert refused(case, replace(act, reason=None), replace(leader, agency="H56.97")).code == "reason_listed"


def test_a_correction_is_a_new_fact_and_changes_nothing_else() -> None:
    ready = finished()
    handed = do(ready, duties(ready)[0]).after
    decision = acted(handed, CORRECT, BOSS, MONDAY + timedelta(days=9))
    told = decision.facts[0].fact
    assert isinstance(told, facts.ResultCorrected)
    assert (told.state, told.reason, told.result_number) == (10, "clerical_error", handed.result_number)
    assert decision.after == replace(handed, version=handed.version + 1, corrected_at=MONDAY + timedelta(days=9))
    assert refused(handed, REOPEN, BOSS).code == "illegal_move"
    assert refused(ready, CORRECT, BOSS).code == "illegal_move"
    twice = acted(decision.after, CORRECT, BOSS, MONDAY + timedelta(days=10)).after
    assert twice.corrected_at == MONDAY + timedelta(days=10)


def test_what_finishing_discarded_of_the_clock_is_owed_again_and_what_had_fired_is_not() -> None:
    found = opened(LAND)
    before, calendar = found.case, rules().calendar
    half, draft, overdue = (timer.due_at for timer in found.timers)
    assert half < draft < overdue

    def again(finished_at: datetime, reopened_at: datetime) -> list[tuple[TimerKind, datetime]]:
        done = replace(before, finished_at=finished_at)
        found = alarms_of(done, replace(done, finished_at=None), means(), reopened_at)
        assert found.dropped == ()
        return [(timer.kind, timer.due_at) for timer in found.set]

    hour = timedelta(hours=1)
    assert again(MONDAY, MONDAY + hour) == [
        *((TimerKind.HALF_TIME, half), (TimerKind.DRAFT_APOLOGY, draft), (TimerKind.BECOME_OVERDUE, overdue)),
    ]
    assert again(half, half + hour) == [(TimerKind.DRAFT_APOLOGY, draft), (TimerKind.BECOME_OVERDUE, overdue)]
    assert again(overdue, overdue + hour) == [(TimerKind.BECOME_OVERDUE, overdue + hour)]
    assert again(draft - hour, draft + hour)[0] == (TimerKind.DRAFT_APOLOGY, draft + hour)
    assert again(overdue + hour, overdue + 2 * hour) == []
    assert timers_of(calendar, LAND.promised_limit, before.accepted_at, before.promised_due) == found.timers


def test_a_draft_that_finishing_discarded_is_open_again() -> None:
    case, duty = at_duty(SIMPLE, "finish")
    drafted = replace(case, draft_opened_at=MONDAY)
    ready = do(drafted, duty).after
    assert "send_apology" not in dict(owed(ready))
    assert ("send_apology", case.competent_agency) in owed(acted(ready, REOPEN, BOSS).after)
    assert officer_for(duty).role == "desk"
