"""Every move of the table: who may, when, what it does, and which code refuses it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.processing.api.bodies import BODIES
from services.processing.api.wording import _STATUS, TITLES
from services.processing.domain import refusals
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case, StepStatus
from services.processing.domain.conditions import CONDITIONS
from services.processing.domain.duties import Duty, duties
from services.processing.domain.effects import EFFECTS
from services.processing.domain.reasons import ApologyReason
from services.processing.domain.refusals import (
    ActInvalid,
    ConditionNotMet,
    IllegalMove,
    Refusal,
    StaleVersion,
    UnknownAction,
)
from services.processing.domain.reissuing import ACTION
from services.processing.domain.sites import SITES
from services.processing.domain.timers import TimerKind
from services.processing.domain.workflow import ROLES_OF, check_action, decide
from shared.contracts import facts
from shared.contracts.facts import Handover, Receiver, State
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.catalogue import StepMove
from shared.rulebook.moves import MOVES, TIMERS, Owner, moves_for
from tests.unit.processing.office import (
    MONDAY,
    OTHER_COMMUNE,
    act_for,
    do,
    kind_of,
    kinds,
    means,
    officer_for,
    opened,
    walk,
)

LAND = kind_of("1.012784")
SIMPLE = kind_of("2.000528")
OURS = {move.action for move in MOVES if move.owner is Owner.PROCESSING}
INTAKES = {move.action for move in MOVES if move.owner is Owner.INTAKE} - OURS
OFFICERS_ACTS = OURS - TIMERS
OWED = {"assign", "take", "forward", "sign", "number", "finish", "hand_over"}
"""Acts that a dossier waits for on its straight way."""


def at_duty(kind: Kind, action: str) -> tuple[Case, Duty]:
    """The dossier at the moment when this act is owed."""
    return next((case, duty) for case, duty, _ in walk(opened(kind).case) if duty.action == action)


def in_state(kind: Kind, state: State) -> Case:
    cases = [opened(kind).case, *(decision.after for _, _, decision in walk(opened(kind).case))]
    return next(case for case in cases if case.state is state)


def refused(case: Case, act: Act, officer: Officer) -> Refusal:
    with pytest.raises(Refusal) as caught:
        decide(case, act, officer, MONDAY, seen_version=case.version, means=means())
    return caught.value


def test_every_act_of_the_table_has_all_its_parts() -> None:
    assert set(EFFECTS) == set(SITES) == set(BODIES) == OFFICERS_ACTS
    assert {*(kind.value for kind in TimerKind), ACTION} == OURS & TIMERS


@pytest.mark.parametrize("action", [*sorted(INTAKES), "approve", "", "Assign"])
def test_what_is_no_move_or_is_done_at_intake_is_unknown(action: str) -> None:
    with pytest.raises(UnknownAction) as caught:
        check_action(action, "desk")
    assert ("intake" in caught.value.detail.lower()) == (action in INTAKES)


def test_every_condition_of_an_officers_act_has_its_predicate_and_no_predicate_is_left_over() -> None:
    needed = {code for move in MOVES if move.action in OFFICERS_ACTS for code in move.conditions}
    assert set(CONDITIONS) == needed


def test_every_refusal_has_a_status_and_every_code_a_title() -> None:
    kinds_of_refusal = {cls for cls in vars(refusals).values() if isinstance(cls, type) and issubclass(cls, Refusal)}
    assert set(_STATUS) == kinds_of_refusal - {Refusal}
    assert set(CONDITIONS) <= set(TITLES)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: f"{kind.procedure_code}-{kind.case_code}")
def test_every_case_of_the_catalogue_can_be_walked_to_its_end(kind: Kind) -> None:
    done = list(walk(opened(kind).case))
    end = done[-1][2].after
    assert end.state is State.HANDED_OVER
    assert all(step.is_done for step in end.steps)
    acts = [duty.action for _, duty, _ in done]
    assert acts[0] == "assign"
    assert acts[-2:] == ["finish", "hand_over"]
    assert acts.count("sign") == acts.count("number") == 1
    assert acts.index("sign") < acts.index("number")
    assert [decision.after.version for _, _, decision in done] == list(range(2, len(done) + 2))


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("action", sorted(OFFICERS_ACTS))
def test_a_move_from_another_state_than_the_tables_is_illegal(action: str, state: State) -> None:
    if moves_for(state, action):
        return
    case = replace(opened(LAND).case, state=state)
    for role in ROLES_OF[action]:
        found = refused(case, Act(action), Officer("someone", role, case.received_by))
        assert (type(found), found.code) == (IllegalMove, "illegal_move")


def test_an_officer_who_saw_an_older_version_is_refused_with_the_present_one() -> None:
    case, duty = at_duty(SIMPLE, "sign")
    with pytest.raises(StaleVersion) as caught:
        decide(case, act_for(duty, case), officer_for(duty), MONDAY, seen_version=case.version - 1, means=means())
    assert caught.value.current == case.version


def test_assigning_names_an_officer_of_the_agency_of_a_first_open_step() -> None:
    case, duty = at_duty(SIMPLE, "assign")
    found = refused(case, Act("assign", officer="x", agency="H56.97.21"), officer_for(duty))
    assert (type(found), found.code) == (ConditionNotMet, "officer_of_first_open_step")
    assert refused(case, Act("assign"), officer_for(duty)).code == "officer_of_first_open_step"
    after = do(case, duty).after
    step = next(after.open_steps())
    assert (after.state, step.holder, step.taken) == (State.PROCESSING, "specialist.H56.97.04", False)


def test_a_leader_of_the_first_steps_agency_may_assign_too() -> None:
    case, _ = at_duty(SIMPLE, "assign")
    act = Act("assign", officer="anna", agency="H56.97.04")
    after = decide(case, act, Officer("boss", "leader", "H56.97.04"), MONDAY, seen_version=1, means=means()).after
    assert next(after.open_steps()).holder == "anna"


def test_the_first_act_on_an_assigned_step_takes_it_and_others_are_kept_off() -> None:
    case = do(*at_duty(SIMPLE, "assign")).after
    other = Officer("someone.else", "specialist", "H56.97.04")
    assert refused(case, Act("take"), other).code == "step_not_taken"
    assert refused(case, Act("forward"), other).code == "holder_of_step"
    after = decide(
        case,
        Act("forward"),
        Officer("specialist.H56.97.04", "specialist", "H56.97.04"),
        MONDAY,
        seen_version=2,
        means=means(),
    ).after
    assert (after.steps[1].status, after.steps[1].taken) == (StepStatus.DONE, True)


def test_the_assigned_officer_may_also_take_first_but_not_twice() -> None:
    case = do(*at_duty(SIMPLE, "assign")).after
    officer = Officer("specialist.H56.97.04", "specialist", "H56.97.04")
    taken = decide(case, Act("take"), officer, MONDAY, seen_version=2, means=means()).after
    assert refused(taken, Act("take"), officer).code == "step_not_taken"


def test_a_step_is_taken_only_in_its_own_role() -> None:
    case, duty = at_duty(SIMPLE, "take")
    assert duty.role == "leader"
    assert refused(case, Act("take"), Officer("x", "specialist", duty.agency)).code == "step_open_here"
    assert refused(case, Act("take", step_no=99), officer_for(duty)).code == "step_open_here"


def test_a_desks_step_is_the_whole_desks() -> None:
    kind = kind_of("1.001731")
    case, duty = next(
        (case, duty) for case, duty, _ in walk(opened(kind).case) if (duty.action, duty.role) == ("forward", "desk")
    )
    assert duty.holder is None
    assert do(case, duty).after.steps[duty.step_no - 1].completed_at == MONDAY
    assert refused(case, Act("forward"), Officer("x", "specialist", duty.agency)).code == "holder_of_step"


def test_only_work_is_forwarded_and_only_the_signature_is_signed() -> None:
    case, duty = at_duty(SIMPLE, "sign")
    held = Officer("boss", "leader", duty.agency)
    taken = decide(case, Act("take"), held, MONDAY, seen_version=case.version, means=means()).after
    assert refused(taken, Act("forward"), held).code == "step_is_work"
    earlier, first = at_duty(SIMPLE, "take")
    assert refused(earlier, Act("sign"), Officer("boss", "leader", first.agency)).code == "step_is_sign"


def test_nothing_is_signed_while_an_earlier_step_is_open() -> None:
    case, duty = at_duty(SIMPLE, "sign")
    boss, act = Officer("boss", "leader", duty.agency), Act("sign", step_no=duty.step_no)
    first, *others = case.steps
    undone = replace(case, steps=(replace(first, status=StepStatus.OPEN, completed_at=None), *others))
    assert refused(undone, act, boss).code == "step_is_sign"
    assert decide(case, act, boss, MONDAY, seen_version=case.version, means=means()).after.version == case.version + 1


def test_a_result_is_numbered_once_and_only_after_the_signature() -> None:
    case, duty = at_duty(SIMPLE, "sign")
    clerk = Officer("clerk", "desk", duty.agency)
    assert refused(case, Act("number"), clerk).code == "signed"
    signed = do(case, duty).after
    numbered = decide(signed, Act("number"), clerk, MONDAY, seen_version=signed.version, means=means(12)).after
    assert numbered.result_number == f"12/2020/{duty.agency}"
    assert refused(numbered, Act("number"), clerk).code == "not_numbered"


def test_finishing_waits_for_signature_number_and_every_step() -> None:
    kind = kind_of("1.001612")
    desk = Officer("desk", "desk", "H56.97.01")
    seen = [
        refused(case, Act("finish"), desk).code
        for case, duty, _ in walk(opened(kind).case)
        if case.state is State.PROCESSING and duty.action != "finish"
    ]
    assert list(dict.fromkeys(seen)) == ["signed", "numbered", "only_hand_over_left"]


def test_a_result_is_handed_over_only_to_a_named_receiver() -> None:
    case, duty = at_duty(SIMPLE, "hand_over")
    assert refused(case, Act("hand_over", receiver=Receiver.APPLICANT), officer_for(duty)).code == "receiver_named"
    assert refused(case, Act("hand_over", handover=Handover.POST), officer_for(duty)).code == "receiver_named"
    after = do(case, duty).after
    assert (after.state, after.handed_over_at) == (State.HANDED_OVER, MONDAY)


def test_an_apology_needs_its_draft_is_sent_once_and_reappoints_to_office_hours() -> None:
    case = opened(SIMPLE).case
    leader = Officer("boss", "leader", case.competent_agency)
    act = Act("send_apology", reason=ApologyReason.WORKLOAD)
    assert refused(case, act, leader).code == "draft_open"
    drafted = replace(case, draft_opened_at=MONDAY)
    decision = decide(drafted, act, leader, MONDAY, seen_version=1, means=means())
    assert decision.after.reappointed_to == MONDAY.replace(day=5, hour=17)
    assert decision.after.promised_due == case.promised_due
    assert isinstance(decision.facts[0].fact, facts.DossierApologised)
    assert refused(decision.after, act, leader).code == "no_apology_before"
    finished = replace(drafted, finished_at=MONDAY)
    assert refused(finished, act, leader).code == "draft_open"


@pytest.mark.parametrize(
    ("days", "hour", "right"),
    [(1, 9, True), (1, 17, True), (1, 12, False), (5, 9, False), (-1, 9, False), (80, 9, False)],
)
def test_a_leaders_own_date_lies_in_office_hours_after_the_due_moment(days: int, hour: int, right: bool) -> None:
    case = replace(opened(SIMPLE).case, draft_opened_at=MONDAY)
    wanted = (MONDAY + timedelta(days=days)).replace(hour=hour)
    act = Act("send_apology", reason=ApologyReason.WORKLOAD, reappointed_to=wanted)
    leader = Officer("boss", "leader", case.competent_agency)
    if right:
        assert decide(case, act, leader, MONDAY, seen_version=1, means=means()).after.reappointed_to == wanted
    else:
        found = refused(case, act, leader)
        assert (type(found), found.code) == (ActInvalid, "reappointed_to_invalid")


@pytest.mark.parametrize("wanted", ["9999-12-31T23:59:59-01:00", "0001-01-01T00:00:00+14:00"])
def test_a_date_at_the_end_of_all_years_is_refused_like_any_other(wanted: str) -> None:
    case = replace(opened(SIMPLE).case, draft_opened_at=MONDAY)
    act = Act("send_apology", reason=ApologyReason.WORKLOAD, reappointed_to=datetime.fromisoformat(wanted))
    found = refused(case, act, Officer("boss", "leader", case.competent_agency))
    assert (type(found), found.code) == (ActInvalid, "reappointed_to_invalid")


def test_another_commune_is_named_by_the_act_that_opens_its_step() -> None:
    kind = kind_of("1.000894", "verified")
    case, duty, decision = next(
        found for found in walk(opened(kind).case) if found[1].action == "forward" and not found[0].steps[2].agency
    )
    opened_step = decision.after.steps[2]
    assert (opened_step.agency, opened_step.status) == (OTHER_COMMUNE, StepStatus.OPEN)
    for named in ((), ("H56.97.04",), ("H56.97.45",), ("nowhere",), (OTHER_COMMUNE, OTHER_COMMUNE)):
        act = replace(act_for(duty, case), other_communes=named)
        assert refused(case, act, officer_for(duty)).code == "other_commune_invalid"


def test_a_parallel_group_opens_together_and_the_next_step_waits_for_all_of_it() -> None:
    kind = kind_of("1.004873", "verified")
    group = [step.no for step in kind.steps if step.parallel_group]
    assert len(group) == 2
    case = next(
        decision.after
        for _, _, decision in walk(opened(kind).case)
        if [step.no for step in decision.after.open_steps()] == group
    )
    assert [duty.step_no for duty in duties(case)] == group
    after_one = do(do(case, duties(case)[0]).after, duties(do(case, duties(case)[0]).after)[0]).after
    assert [step.no for step in after_one.open_steps()] == group[1:]
    assert after_one.steps[group[-1]].status is StepStatus.WAITING


def test_a_number_without_a_step_of_its_own_leaves_the_open_steps_alone() -> None:
    kind = kind_of("1.012784")
    case, duty = at_duty(kind, "number")
    assert case.step_of(StepMove.NUMBER) is None
    after = do(case, duty).after
    assert after.steps == case.steps
    assert after.result_number == "7/2020/H56.92.01"
