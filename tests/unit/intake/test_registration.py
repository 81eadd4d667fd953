"""Acts before acceptance: every state and action of the table, with every role, and what each condition looks at."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import datetime

import pytest

from services.intake.api import refusals as wording
from services.intake.api.bodies import ACT_BODIES
from services.intake.domain import refusals, registration
from services.intake.domain.acceptance import acceptance_of
from services.intake.domain.attempts import CONDITIONS as CONDITIONS_OF_FILINGS
from services.intake.domain.attempts import Rules
from services.intake.domain.filing import PaperHandedIn
from services.intake.domain.refusals import ConditionNotMet, IllegalMove, NotAllowed, Refused, StaleVersion
from services.intake.domain.registration import (
    EFFECTS,
    Act,
    Actor,
    Decision,
    Registration,
    check_action,
    decide,
    possible,
)
from services.intake.handlers.deciding import FACTS
from shared.contracts.facts import State
from shared.http.states import STATES
from shared.roles import Role
from shared.rulebook.calendar import ZONE
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue
from shared.rulebook.moves import MOVES, Owner, moves_for
from shared.rulebook.refusals import REASONS

NOW = datetime(2020, 3, 2, 9, tzinfo=ZONE)
ACTS = {move.action for move in MOVES if move.owner is Owner.INTAKE and None not in move.from_states}
DESK, CITIZEN = Actor("desk", ("90.97.21.",)), Actor("citizen", own=True)


@pytest.fixture(scope="module")
def rules() -> Rules:
    seed = load_seed()
    return Rules(
        parse_catalogue("catalogue-1", seed.catalogue),
        parse_calendar("calendar-1", seed.calendar),
        parse_agencies("agencies-1", seed.agencies),
    )


@pytest.fixture
def waiting(rules: Rules) -> Registration:
    """With every paper, but for the one that was asked for."""
    case = rules.catalogue.case("1.000894", "default")
    papers = {p.code: PaperHandedIn(p.code, p.originals, p.certified, p.photocopies) for p in case.papers}
    return Registration(
        code="H56.97.21-200302-0001",
        place="H56.97.21",
        received_path="90.97.21.",
        state=State.REGISTERED,
        version=1,
        case=case,
        area_code="16093",
        papers=papers,
        papers_asked=("giay-to-tuy-than",),
    )


def good(action: str) -> Act:
    """An act that only the state or the caller can stand in the way of."""
    match action:
        case "ask_papers":
            return Act(action, papers=(PaperHandedIn("tk-ket-hon", 0, 0, 0),))
        case "submit_papers":
            return Act(action, papers=(PaperHandedIn("giay-to-tuy-than", 0, 0, 2),))
        case "refuse":
            return Act(action, reason="not_eligible")
        case _:
            return Act(action)


def done(found: Registration, act: Act, rules: Rules, actor: Actor = DESK) -> Decision:
    return decide(found, act, actor, seen_version=found.version, rules=rules, now=NOW)


def refusal(found: Registration, act: Act, rules: Rules, actor: Actor = DESK) -> Refused:
    with pytest.raises(Refused) as caught:
        done(found, act, rules, actor)
    return caught.value


def told_of(refused: Refused) -> list[str]:
    return [error.message.en for error in wording.as_problem(refused).errors]


def test_every_act_of_the_table_has_all_its_parts_and_no_part_is_left_over() -> None:
    assert set(EFFECTS) == set(ACT_BODIES) == ACTS
    assert set(FACTS) == set(EFFECTS) - {"accept"}
    needed = {
        code for move in MOVES if move.action in EFFECTS and move.owner is Owner.INTAKE for code in move.conditions
    }
    assert set(registration.CONDITIONS) == set(registration.BEFORE_ANYTHING_IS_SAID) == needed
    assert (set(registration.CONDITIONS) | set(CONDITIONS_OF_FILINGS)) <= set(wording.TITLES)
    kinds = {cls for cls in vars(refusals).values() if isinstance(cls, type) and issubclass(cls, Refused)}
    assert set(wording._STATUS) == kinds
    assert set(REASONS) == {
        move.action for move in MOVES if move.owner is Owner.INTAKE and "reason_listed" in move.conditions
    }


@pytest.mark.parametrize(("state", "action", "role"), list(itertools.product(State, sorted(EFFECTS), Role)))
def test_every_pair_of_state_and_action_is_legal_for_the_roles_of_the_table_and_no_other(
    waiting: Registration, rules: Rules, state: State, action: str, role: Role
) -> None:
    found = replace(waiting, state=state, papers_asked=() if action == "accept" else waiting.papers_asked)
    actor = Actor(role, ("90.97.21.",), own=role is Role.CITIZEN)
    rows = [move for move in moves_for(state, action) if move.owner is Owner.INTAKE]
    allowed = {role for move in MOVES if move.action == action for role in move.roles}
    if rows and role in rows[0].roles:
        after = done(found, good(action), rules, actor).after
        assert (after.state, after.version) == (rows[0].to or state, 2)
    elif role not in allowed:
        assert isinstance(refusal(found, good(action), rules, actor), NotAllowed)
    elif not rows:
        refused = refusal(found, good(action), rules, actor)
        assert isinstance(refused, IllegalMove)
        assert (refused.state, refused.possible) == (state, possible(found, role))


def test_a_superior_looks_on_a_stranger_sees_nothing_and_a_stale_version_is_told(
    waiting: Registration, rules: Rules
) -> None:
    act = good("ask_papers")
    assert refusal(waiting, act, rules, Actor("desk", ("90.97.",))).code == "agency_not_allowed"
    assert refusal(waiting, act, rules, Actor("desk", ("90.97.2.",))).code == "dossier_unknown"
    assert refusal(waiting, good("withdraw"), rules, Actor("citizen")).code == "dossier_unknown"
    with pytest.raises(StaleVersion) as stale:
        decide(waiting, act, DESK, seen_version=7, rules=rules, now=NOW)
    assert stale.value.current == 1


def test_who_took_the_place_over_acts_for_it(waiting: Registration, rules: Rules) -> None:
    """Paths of an officer hold those of the agencies whose work his took over."""
    after = done(waiting, good("ask_papers"), rules, Actor("desk", ("90.61.", "90.97.21."))).after
    assert after.version == 2


def test_a_refusal_names_the_state_and_what_is_possible_before_anything_is_said(
    waiting: Registration, rules: Rules
) -> None:
    refused = refusal(waiting, good("accept"), rules)
    assert refused.state is State.REGISTERED
    assert refused.possible == ("ask_papers", "submit_papers", "refuse", "withdraw")
    assert possible(waiting, "citizen") == ("submit_papers", "withdraw")
    assert possible(replace(waiting, papers_asked=()), "citizen") == ("withdraw",)
    assert "accept" in possible(replace(waiting, papers_asked=()), "desk")
    supplement = replace(waiting, state=State.WAITING_FOR_PAPERS)
    assert possible(supplement, "citizen") == ("submit_papers", "request_withdrawal")
    assert possible(replace(supplement, papers_asked=()), "desk") == ("request_withdrawal",)
    assert possible(replace(supplement, withdrawal_requested_at=NOW), "desk") == ("submit_papers",)
    for state in (State.ACCEPTED, State.PROCESSING, State.WAITING_FOR_PAYMENT):
        assert possible(replace(waiting, state=state), "citizen") == ("request_withdrawal",)
    for state in (State.REFUSED, State.WITHDRAWN, State.STOPPED, State.READY, State.HANDED_OVER):
        assert possible(replace(waiting, state=state), "desk") == ()
    assert set(wording.ACTS) == set(EFFECTS)
    assert set(STATES) == set(State)


def test_acceptance_needs_every_required_paper_and_none_that_was_asked_for_again(
    waiting: Registration, rules: Rules
) -> None:
    refused = refusal(waiting, good("accept"), rules)
    assert isinstance(refused, ConditionNotMet)
    assert (refused.code, told_of(refused)) == (
        "papers_complete",
        ["Identity paper (citizen card, ID card or passport) (giay-to-tuy-than) is missing."],
    )
    whole = replace(waiting, papers_asked=())
    few = {**whole.papers, "tk-ket-hon": PaperHandedIn("tk-ket-hon", 0, 0, 0)}
    assert refusal(replace(whole, papers=few), good("accept"), rules).code == "papers_complete"
    optional = {code: paper for code, paper in whole.papers.items() if code != "gxn-tinh-trang-hon-nhan"}
    accepted = done(replace(whole, papers=optional), good("accept"), rules)
    assert accepted.acceptance is not None
    assert accepted.acceptance.accepted_at == NOW
    assert accepted.after.papers_asked == ()


def test_an_optional_paper_that_was_asked_for_holds_nothing_up(waiting: Registration, rules: Rules) -> None:
    asked = replace(waiting, papers_asked=("gxn-tinh-trang-hon-nhan",))
    assert done(asked, good("accept"), rules).after.papers_asked == ()


def test_papers_are_asked_for_by_the_pinned_list_in_its_order(waiting: Registration, rules: Rules) -> None:
    after = done(waiting, good("ask_papers"), rules).after
    assert after.papers_asked == ("tk-ket-hon", "giay-to-tuy-than")
    strange = Act("ask_papers", papers=(PaperHandedIn("khong-co", 0, 0, 0),))
    twice = Act("ask_papers", papers=good("ask_papers").papers * 2)
    for wrong in (Act("ask_papers"), strange, twice):
        assert refusal(waiting, wrong, rules).code == "papers_of_pinned_list"


def test_papers_are_taken_that_were_asked_for_and_are_missing_until_they_are_enough(
    waiting: Registration, rules: Rules
) -> None:
    few = Act("submit_papers", papers=(PaperHandedIn("giay-to-tuy-than", 0, 0, 1),))
    after = done(waiting, few, rules, CITIZEN).after
    assert after.papers_asked == ("giay-to-tuy-than",)
    assert after.papers["giay-to-tuy-than"].photocopies == 1
    there = done(after, good("submit_papers"), rules, CITIZEN).after
    assert there.papers_asked == ()
    unasked = Act("submit_papers", papers=(PaperHandedIn("tk-ket-hon", 1, 0, 0),))
    twice = Act("submit_papers", papers=few.papers * 2)
    for found, wrong in ((waiting, Act("submit_papers")), (waiting, unasked), (waiting, twice), (there, few)):
        assert refusal(found, wrong, rules, CITIZEN).code == "papers_were_asked"


@pytest.mark.parametrize("reason", [None, "", "because", "not_eligible "])
def test_a_refusal_names_a_reason_of_the_list(waiting: Registration, rules: Rules, reason: str | None) -> None:
    assert refusal(waiting, Act("refuse", reason=reason), rules).code == "reason_listed"


@pytest.mark.parametrize("reason", REASONS["refuse"])
def test_every_reason_of_the_list_refuses(waiting: Registration, rules: Rules, reason: str) -> None:
    after = done(waiting, Act("refuse", reason=reason), rules).after
    assert (after.state, after.reason, after.closed_at, after.papers_asked) == (State.REFUSED, reason, NOW, ())


def test_limits_run_from_the_acceptance_under_the_pinned_catalogue(waiting: Registration, rules: Rules) -> None:
    whole = replace(waiting, papers_asked=())
    acceptance = done(whole, good("accept"), rules).acceptance
    assert acceptance is not None
    assert (acceptance.case, acceptance.place.code) == (waiting.case, "H56.97.21")
    assert acceptance.promised_due == datetime(2020, 3, 2, 17, tzinfo=ZONE)


def test_what_is_registered_has_the_limits_for_online_filings_whoever_typed_it(
    waiting: Registration, rules: Rules
) -> None:
    """A desk that registers for somebody does not become the applicant; what it accepts over the counter has no others.

    Of four and one working days, from Monday 2 March on: Tuesday by promise, Friday by law.
    """
    verified = rules.catalogue.case("1.000894", "verified").model_copy(
        update={"statutory_online": 4, "promised_online": 1}
    )
    papers = {p.code: PaperHandedIn(p.code, p.originals, p.certified, p.photocopies) for p in verified.papers}
    found = replace(waiting, case=verified, papers=papers, papers_asked=())
    acceptance = done(found, good("accept"), rules).acceptance
    assert acceptance is not None
    assert acceptance.filed_online
    assert acceptance.promised_due == datetime(2020, 3, 3, 17, tzinfo=ZONE)
    assert acceptance.statutory_due == datetime(2020, 3, 6, 17, tzinfo=ZONE)
    at_the_desk = acceptance_of(verified, "H56.97.21", "16093", rules, NOW)
    assert not at_the_desk.filed_online
    assert at_the_desk.promised_due == datetime(2020, 3, 4, 17, tzinfo=ZONE)


def test_a_place_that_is_gone_is_still_the_place_of_reception(waiting: Registration, rules: Rules) -> None:
    after = datetime(2025, 7, 1, 8, tzinfo=ZONE)
    whole = replace(waiting, papers_asked=())
    actor = Actor("desk", ("90.61.", "90.97.21."))
    accepted = decide(whole, good("accept"), actor, seen_version=1, rules=rules, now=after).acceptance
    assert accepted is not None
    assert (accepted.place.code, accepted.competent.code) == ("H56.97.21", "H56.61")


def test_what_begins_a_dossier_and_what_is_processings_is_no_act_of_intake() -> None:
    begin = {move.action for move in MOVES if move.owner is Owner.INTAKE} - ACTS
    beyond = {move.action for move in MOVES if move.owner is Owner.PROCESSING} - ACTS
    for action in (*begin, *beyond, "fly"):
        with pytest.raises(Refused) as caught:
            check_action(action, "desk")
        assert caught.value.code == "action_unknown"
        assert ("POST /v1/refusals" in caught.value.detail) == (action in begin)
        assert ("processing's" in caught.value.detail) == (action in beyond)


def test_papers_of_a_supplement_leave_the_state_to_processing(waiting: Registration, rules: Rules) -> None:
    supplement = replace(waiting, state=State.WAITING_FOR_PAPERS, version=4)
    after = done(supplement, good("submit_papers"), rules, CITIZEN).after
    assert (after.state, after.version, after.papers_asked) == (State.WAITING_FOR_PAPERS, 5, ())
    unasked = Act("submit_papers", papers=(PaperHandedIn("tk-ket-hon", 1, 0, 0),))
    for found, wrong in ((supplement, unasked), (after, good("submit_papers"))):
        assert refusal(found, wrong, rules, CITIZEN).code == "papers_were_asked"
    again = replace(waiting, state=State.PROCESSING)
    assert refusal(again, good("submit_papers"), rules, CITIZEN).code == "illegal_move"


def test_a_withdrawal_is_asked_for_once_and_changes_no_state(waiting: Registration, rules: Rules) -> None:
    paying = replace(waiting, state=State.WAITING_FOR_PAYMENT)
    after = done(paying, good("request_withdrawal"), rules, CITIZEN).after
    assert (after.state, after.withdrawal_requested_at, after.closed_at) == (State.WAITING_FOR_PAYMENT, NOW, None)
    refused = refusal(after, good("request_withdrawal"), rules, DESK)
    assert (refused.code, told_of(refused)) == (
        "not_requested_before",
        ["A withdrawal was asked for at 2020-03-02T09:00:00+07:00."],
    )
