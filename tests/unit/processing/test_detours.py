"""Acts that nobody owes: sending back, taking back, giving to another officer."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest

from services.processing.api.directory import _ACTS
from services.processing.api.wording import ACTS
from services.processing.domain import reasons
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, Stay, Step, StepStatus
from services.processing.domain.duties import duties
from services.processing.domain.effects import EFFECTS
from services.processing.domain.progress import send_back
from services.processing.domain.reasons import REASONS, ReturnReason
from services.processing.domain.refusals import ActInvalid
from services.processing.domain.workflow import Decision, decide, possible
from shared.contracts import facts
from shared.contracts.facts import State
from shared.contracts.officers import EntryKind
from shared.http.states import STATES
from shared.rulebook.moves import MOVES
from shared.rulebook.officers import Entry, Register, Said
from tests.unit.processing.office import (
    MONDAY,
    OTHER_COMMUNE,
    act_for,
    do,
    kind_of,
    means,
    officer_for,
    opened,
    rules,
    walk,
)
from tests.unit.processing.test_workflow import at_duty, refused

SIMPLE = kind_of("2.000528")
OFFICE, DISTRICT = "H56.97.04", "H56.97"
ANNA = Officer(f"specialist.{OFFICE}", "specialist", OFFICE)
CHIEF = Officer(f"leader.{OFFICE}", "leader", OFFICE)
BOSS = Officer(f"leader.{DISTRICT}", "leader", DISTRICT)
STOPPING = ("request_supplement", "demand_payment")
"""What desks and specialists may do whoever holds a step."""
AT_ONCE = Act("return_step", to_step=2, reason=ReturnReason.DRAFT_FAULTY)


def acted(case: Case, act: Act, officer: Officer, minutes: int = 0) -> Decision:
    now = MONDAY + timedelta(minutes=minutes)
    return decide(case, act, officer, now, seen_version=case.version, means=means())


def at_review() -> Case:
    """Anna has examined (minute 2), and nobody has taken the review of her office's head."""
    assigned = do(*at_duty(SIMPLE, "assign")).after
    return acted(assigned, Act("forward"), ANNA, 2).after


def test_a_returned_step_is_its_officers_again_and_keeps_the_time_that_it_has_used() -> None:
    taken = acted(at_review(), Act("take"), CHIEF, 10).after
    decision = acted(taken, AT_ONCE, CHIEF, 60)
    examine, review = decision.after.steps[1:3]
    assert (examine.status, examine.holder, examine.taken) == (StepStatus.OPEN, ANNA.subject, False)
    assert (examine.opened_at, examine.completed_at) == (MONDAY + timedelta(minutes=60), None)
    assert examine.earlier == (Stay(MONDAY, MONDAY + timedelta(minutes=2)),)
    assert (review.status, review.holder, review.opened_at) == (StepStatus.WAITING, None, None)
    assert review.earlier == (Stay(MONDAY + timedelta(minutes=2), MONDAY + timedelta(minutes=60)),)
    assert decision.after.state is State.PROCESSING
    assert decision.after.promised_due == taken.promised_due
    told = decision.facts[0].fact
    assert isinstance(told, facts.StepReturned)
    assert (told.step_no, told.agency, told.officer) == (3, OFFICE, CHIEF.subject)
    assert (told.to_step, told.to_agency, told.to_officer, told.reason) == (2, OFFICE, ANNA.subject, "draft_faulty")
    assert [(duty.action, duty.holder) for duty in duties(decision.after)] == [("forward", ANNA.subject)]
    again = acted(acted(decision.after, Act("forward"), ANNA, 70).after, Act("take"), CHIEF, 80).after
    assert len(again.steps[1].earlier) == len(again.steps[2].earlier) == 1
    twice = acted(again, AT_ONCE, CHIEF, 90).after
    assert [stay.opened_at for stay in twice.steps[1].earlier] == [MONDAY, MONDAY + timedelta(minutes=60)]
    assert len(twice.steps[2].earlier) == 2


def test_a_step_that_a_desk_completed_is_returned_to_the_whole_desk() -> None:
    way = walk(opened(kind_of("1.001731")).case)
    case, duty = next((case, duty) for case, duty, _ in way if (duty.step_no, duty.action) == (4, "forward"))
    after = acted(case, replace(AT_ONCE, to_step=3), officer_for(duty)).after
    assert (after.steps[2].role, after.steps[2].holder) == ("desk", None)
    assert [(owed.action, owed.role, owed.holder) for owed in duties(after)] == [("forward", "desk", None)]


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (replace(AT_ONCE, to_step=None), "step_was_completed"),
        (replace(AT_ONCE, to_step=1), "step_was_completed"),
        (replace(AT_ONCE, to_step=3), "step_was_completed"),
        (replace(AT_ONCE, to_step=4), "step_was_completed"),
        (replace(AT_ONCE, to_step=99), "step_was_completed"),
        (replace(AT_ONCE, reason=None), "reason_listed"),
        (replace(AT_ONCE, reason=reasons.ApologyReason.WORKLOAD), "reason_listed"),
    ],
)
def test_a_step_is_returned_to_one_that_was_completed_and_for_a_listed_reason(act: Act, code: str) -> None:
    taken = acted(at_review(), Act("take"), CHIEF).after
    assert refused(taken, act, CHIEF).code == code


def test_only_the_holder_returns_a_step_and_nobody_once_it_is_signed() -> None:
    case = at_review()
    assert refused(case, AT_ONCE, CHIEF).code == "holder_of_step"
    assert refused(case, AT_ONCE, ANNA).code == "holder_of_step"
    signed = do(*at_duty(SIMPLE, "sign")).after
    desk = Officer("desk", "desk", signed.steps[-1].agency)
    assert refused(signed, AT_ONCE, desk).code == "not_signed"


def test_the_signer_returns_what_he_will_not_sign() -> None:
    case, _ = at_duty(SIMPLE, "sign")
    held = acted(case, Act("take"), BOSS).after
    after = acted(held, replace(AT_ONCE, to_step=3), BOSS).after
    assert [(step.no, step.holder) for step in after.open_steps()] == [(3, CHIEF.subject)]
    assert [step.status for step in after.steps] == ["done", "done", "open", "waiting", "waiting"]


def test_who_completed_a_step_takes_it_back_until_somebody_has_taken_the_next() -> None:
    case = at_review()
    decision = acted(case, Act("recall"), ANNA, 5)
    examine, review = decision.after.steps[1:3]
    assert (examine.status, examine.holder, examine.taken) == (StepStatus.OPEN, ANNA.subject, True)
    assert examine.earlier == (Stay(MONDAY, MONDAY + timedelta(minutes=2)),)
    assert (review.status, len(review.earlier)) == (StepStatus.WAITING, 1)
    told = decision.facts[0].fact
    assert isinstance(told, facts.StepRecalled)
    assert (told.step_no, told.officer) == (2, ANNA.subject)
    taken = acted(case, Act("take"), CHIEF).after
    assert refused(taken, Act("recall"), ANNA).code == "next_step_not_taken"
    assert refused(case, Act("recall"), replace(ANNA, subject="bob")).code == "previous_holder"
    assert refused(case, Act("recall"), replace(CHIEF, agency=DISTRICT)).code == "agency_not_allowed"


def test_before_any_step_is_complete_whoever_has_the_first_is_told_that_he_completed_none() -> None:
    assigned = do(*at_duty(SIMPLE, "assign")).after
    assert refused(assigned, Act("recall"), ANNA).code == "previous_holder"
    assert refused(assigned, Act("recall"), BOSS).code == "agency_not_allowed"


def test_a_step_before_the_one_before_and_a_signature_are_not_recalled() -> None:
    case = acted(acted(at_review(), Act("take"), CHIEF).after, Act("forward"), CHIEF).after
    assert refused(case, Act("recall"), ANNA).code == "previous_holder"
    assert refused(case, Act("recall", step_no=2), ANNA).code == "previous_holder"
    signed = acted(case, Act("sign"), BOSS).after
    assert refused(signed, Act("recall"), BOSS).code == "agency_not_allowed"
    assert refused(signed, Act("recall"), CHIEF).code == "previous_holder"


def test_a_leader_gives_an_open_step_to_another_officer_of_its_agency() -> None:
    assigned = do(*at_duty(SIMPLE, "assign")).after
    decision = acted(assigned, Act("reassign", officer="bob", agency=OFFICE), CHIEF)
    step = decision.after.steps[1]
    assert (step.holder, step.taken, step.opened_at, step.earlier) == ("bob", False, MONDAY, ())
    told = decision.facts[0].fact
    assert isinstance(told, facts.DossierReassigned)
    assert (told.officer, told.previous_officer, told.reassigned_by) == ("bob", ANNA.subject, CHIEF.subject)
    assert refused(decision.after, Act("forward"), ANNA).code == "holder_of_step"
    for elsewhere in (Act("reassign", officer="bob", agency=DISTRICT), Act("reassign", agency=OFFICE)):
        assert refused(assigned, elsewhere, CHIEF).code == "officer_of_same_agency"
    assert refused(assigned, Act("reassign", officer="bob", agency=DISTRICT), BOSS).code == "agency_not_allowed"
    assert refused(assigned, Act("reassign", officer="bob", agency=OFFICE), ANNA).code == "role_not_allowed"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (Said(EntryKind.REVOCATION, "bob", MONDAY.date()), "named_officer_revoked"),
        (Said(EntryKind.SEAT, "bob", MONDAY.date(), role="leader"), "named_officer_not_seated"),
        (Said(EntryKind.REVOCATION, "bob", MONDAY.date() + timedelta(days=1)), ""),
        (Said(EntryKind.ABSENCE, "bob", MONDAY.date(), MONDAY.date(), role="specialist"), ""),
    ],
)
def test_nobody_is_given_a_step_whom_the_register_lets_do_nothing_today(said: Said, code: str) -> None:
    register = Register([Entry(1, OFFICE, said, MONDAY, "head")])
    fresh, _ = at_duty(SIMPLE, "assign")
    for case, action in ((fresh, "assign"), (do(*at_duty(SIMPLE, "assign")).after, "reassign")):
        act = Act(action, officer="bob", agency=OFFICE)
        with pytest.raises(ActInvalid) if code else nullcontext() as found:
            decide(case, act, CHIEF, MONDAY, seen_version=case.version, means=means(officers=register))
        if found is not None:
            assert (found.value.code, found.value.state) == (code, case.state)
            assert action in found.value.possible


def in_parallel() -> tuple[Case, tuple[Step, ...]]:
    """Two communes verify beside each other."""
    case = next(
        decision.after
        for _, _, decision in walk(opened(kind_of("1.004873", "verified")).case)
        if len(list(decision.after.open_steps())) == 2
    )
    return case, tuple(case.open_steps())


def verifier(step: Step) -> Officer:
    return Officer(f"specialist.{step.agency}", "specialist", step.agency)


def test_of_a_parallel_group_only_the_step_named_is_done_again() -> None:
    case, (one, other) = in_parallel()
    for step in (one, other):
        case = acted(case, Act("take", step_no=step.no), verifier(step)).after
        case = acted(case, Act("forward", step_no=step.no), verifier(step)).after
    boss = Officer("boss", "leader", case.steps[4].agency)
    held = acted(case, Act("take"), boss).after
    after = acted(held, replace(AT_ONCE, to_step=one.no), boss).after
    assert [step.status for step in after.steps[2:5]] == ["open", "done", "waiting"]
    assert after.steps[3].earlier == ()
    back = acted(after, Act("forward"), verifier(one)).after
    assert [step.no for step in back.open_steps()] == [5]


def test_whoever_returns_leaves_the_others_of_a_group_waiting_with_their_time() -> None:
    case, (one, other) = in_parallel()
    held = acted(case, Act("take", step_no=one.no), verifier(one)).after
    after = acted(held, replace(AT_ONCE, to_step=2), verifier(one), 30).after
    assert [step.status for step in after.steps[1:4]] == ["open", "waiting", "waiting"]
    assert all(len(step.earlier) == 1 for step in after.steps[1:4])
    assert {after.steps[2].agency, after.steps[3].agency} == {OTHER_COMMUNE}
    again = acted(after, Act("forward"), officer_for(duties(after)[0]), 40).after
    assert [step.no for step in again.open_steps()] == [one.no, other.no]


def test_another_agency_is_asked_beside_the_flow_and_answers_once() -> None:
    case = do(*at_duty(SIMPLE, "assign")).after
    decision = acted(case, Act("ask_agency", agency=OTHER_COMMUNE), ANNA, 5)
    asked = decision.after
    told = decision.facts[0].fact
    assert isinstance(told, facts.AgencyAsked)
    assert (told.step_no, told.agency, told.officer, told.asked_agency) == (2, OFFICE, ANNA.subject, OTHER_COMMUNE)
    assert asked.steps == case.steps
    assert set(asked.parts) - set(case.parts) == {rules().agencies.get(OTHER_COMMUNE).path}
    assert [(duty.action, duty.agency, duty.role) for duty in duties(asked)] == [
        ("forward", OFFICE, "specialist"),
        ("answer_agency", OTHER_COMMUNE, "specialist"),
    ]
    forwarded = acted(asked, Act("forward"), ANNA, 6).after
    clerk = Officer("somebody", "specialist", OTHER_COMMUNE)
    assert possible(forwarded, clerk, MONDAY, rules().agencies) == ("answer_agency",)
    assert refused(forwarded, Act("answer_agency"), ANNA).code == "agency_not_allowed"
    answered = acted(forwarded, Act("answer_agency"), clerk, 9)
    said = answered.facts[0].fact
    assert isinstance(said, facts.AgencyAnswered)
    assert (said.step_no, said.agency, said.officer, said.asked_agency) == (2, OFFICE, "somebody", OTHER_COMMUNE)
    assert said.asked_at == MONDAY + timedelta(minutes=5)
    assert refused(answered.after, Act("answer_agency"), clerk).code == "asked_agency"
    assert answered.after.concerns((rules().agencies.get(OTHER_COMMUNE).path,))
    assert [duty.action for duty in duties(answered.after)] == ["take"]


@pytest.mark.parametrize("agency", [None, "", "nowhere", "H56.61", OFFICE, OTHER_COMMUNE])
def test_only_another_agency_in_force_is_asked_and_not_twice_before_it_answers(agency: str | None) -> None:
    case = do(*at_duty(SIMPLE, "assign")).after
    asked = acted(case, Act("ask_agency", agency=OTHER_COMMUNE), ANNA).after
    assert refused(asked, Act("ask_agency", agency=agency), ANNA).code == "asked_agency_invalid"


def test_only_who_holds_a_step_asks() -> None:
    case = do(*at_duty(SIMPLE, "assign")).after
    for officer in (CHIEF, replace(ANNA, subject="bob")):
        assert refused(case, Act("ask_agency", agency=OTHER_COMMUNE), officer).code == "holder_of_step"


def test_a_dossier_is_sent_back_only_to_where_it_was() -> None:
    case = opened(SIMPLE).case
    with pytest.raises(ValueError, match="never"):
        send_back(case.steps, case.steps[3], None, MONDAY)


def test_a_refusal_names_the_state_and_what_is_possible() -> None:
    case = at_review()
    found = refused(case, Act("forward"), ANNA)
    assert (found.code, found.state, found.possible) == ("holder_of_step", State.PROCESSING, ("recall", *STOPPING))
    assert refused(case, Act("hand_over"), Officer("x", "desk", case.received_by)).possible == STOPPING
    assert possible(case, CHIEF, MONDAY, rules().agencies) == ("take", "reassign")
    held = acted(case, Act("take"), CHIEF).after
    assert possible(held, CHIEF, MONDAY, rules().agencies) == ("forward", "return_step", "reassign", "ask_agency")
    first, duty = at_duty(SIMPLE, "assign")
    assert possible(first, officer_for(duty), MONDAY, rules().agencies) == ("assign", "request_supplement")
    stranger = refused(case, Act("forward"), Officer("x", "specialist", "H56.97.30"))
    assert (stranger.state, stranger.possible) == (None, ())


@pytest.mark.parametrize("action", sorted(EFFECTS))
def test_what_is_owed_is_among_what_is_possible(action: str) -> None:
    for kind in (SIMPLE, kind_of("1.012784"), kind_of("1.001731")):
        for case, duty, _ in walk(opened(kind).case):
            if duty.action == action:
                assert action in possible(case, officer_for(duty), MONDAY, rules().agencies)
                acted(case, act_for(duty, case), officer_for(duty))


def test_each_action_that_gives_a_reason_has_its_closed_list_in_both_languages() -> None:
    giving = {move.action for move in MOVES if "reason_listed" in move.conditions and move.action in EFFECTS}
    assert set(REASONS) == giving | {"send_apology"}
    enums = {each for each in vars(reasons).values() if isinstance(each, type) and each.__name__.endswith("Reason")}
    assert {type(code) for listed in REASONS.values() for code in listed} == enums
    for listed in REASONS.values():
        (enum,) = {type(code) for code in listed}
        assert list(listed) == list(enum)
        assert all(words.vi and words.en and words.vi != words.en for words in listed.values())


def test_every_act_and_state_has_its_words_and_the_list_of_acts_shows_them() -> None:
    assert set(ACTS) == set(EFFECTS)
    assert set(STATES) == set(State)
    assert {entry.code: [each.code for each in entry.reasons] for entry in _ACTS.items} == {
        action: list(REASONS.get(action, {})) for action in EFFECTS
    }
