"""Dossiers go on after the end of the agencies that had them: their successors act, and nobody else (ADR 78)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from services.processing.api.step_views import lateness_told
from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.duties import Duty, duties, owed_on
from services.processing.domain.reasons import (
    ApologyReason,
    CorrectionReason,
    ReopeningReason,
    ReturnReason,
    VoidingReason,
)
from services.processing.domain.refolding import Heard, History, differences
from services.processing.domain.refusals import NotAllowed, Refusal
from services.processing.domain.step_times import step_times
from services.processing.domain.workflow import Decision, decide, possible
from shared.contracts import facts
from shared.contracts.facts import State
from shared.contracts.officers import EntryKind
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.officers import Entry, Register, Said
from tests.unit.processing.office import (
    AREA,
    CODE,
    TOWNSHIP,
    accepted,
    act_for,
    kind_of,
    means,
    officer_for,
    opened,
    opens_another_commune,
    place_of,
    rules,
)

EVE, DAY = datetime(2025, 6, 30, 9, 0, tzinfo=ZONE), datetime(2025, 7, 1, 8, 0, tzinfo=ZONE)
HEIR, SIBLING, PROVINCE = "H56.61", "H56.66", "H56.90"
THEIRS = [PROVINCE, SIBLING, "H56.62", "H56.94"]
"""In force on the day, and nobody's successors here."""
SIMPLE, LAND, STATUS = kind_of("2.000528"), kind_of("1.012784"), kind_of("1.001193")
"""Decided by the district, by the land registry, and by the commune that received it."""
OF_ANOTHER = kind_of("1.000894", "verified")
"""Has a step that another commune does, named when it opens."""
KINDS = list(rules().catalogue.cases_in_force(EVE.date()))


@dataclass
class Dossier:
    """A dossier that was accepted on the eve, and the facts that were told of it."""

    kind: Kind
    case: Case
    told: list[Heard] = field(default_factory=list)

    def act(self, act: Act, officer: Officer, at: datetime = DAY) -> Decision:
        decision = decide(self.case, act, officer, at, seen_version=self.case.version, means=means())
        self.case = decision.after
        self.told += [Heard(each.fact, each.legal_time) for each in decision.facts]
        return decision

    def owed(self, at: datetime = DAY) -> tuple[Duty, ...]:
        return owed_on(self.case, duties(self.case), rules().agencies, at.date())

    def do(self, at: datetime = DAY) -> tuple[Duty, Decision]:
        """Do what is owed first, as whoever owes it that day."""
        duty = self.owed(at)[0]
        return duty, self.act(act_of(self.case, duty, at), officer_for(duty), at)

    def until(self, action: str, at: datetime = DAY) -> Duty:
        """Do what is owed until this is owed first."""
        while (duty := self.owed(at)[0]).action != action:
            self.do(at)
        return duty

    def refusal(self, act: Act, officer: Officer, at: datetime = DAY) -> Refusal:
        with pytest.raises(Refusal) as refused:
            decide(self.case, act, officer, at, seen_version=self.case.version, means=means())
        return refused.value

    def differing(self) -> list[str]:
        history = History(CODE, accepted(self.kind, EVE), EVE, (), tuple(self.told))
        return [each.what for each in differences(self.case, history, rules(), ())]


def received(kind: Kind) -> Dossier:
    return Dossier(kind, opened(kind, EVE).case)


def act_of(case: Case, duty: Duty, at: datetime) -> Act:
    commune = "H56.97.22" if at < DAY else SIBLING
    return replace(act_for(duty, case), other_communes=(commune,) * opens_another_commune(case, duty))


def kinds_by_name(kinds: Sequence[Kind]) -> list[str]:
    return [f"{kind.procedure_code}-{kind.case_code}" for kind in kinds]


@pytest.mark.parametrize("kind", KINDS, ids=kinds_by_name(KINDS))
def test_every_dossier_is_carried_to_its_end_by_those_who_answer_for_it(kind: Kind) -> None:
    """Whoever is named by what is owed does it; the ended agency, siblings and strangers are refused each time."""
    dossier = received(kind)
    if duties(dossier.case)[0].action == "assign":
        dossier.do(EVE)
    while owed := dossier.owed():
        assert all(rules().agencies.in_force(duty.agency, DAY.date()) for duty in owed)
        before, given = dossier.case, duties(dossier.case)[0]
        act, officer = act_of(before, owed[0], DAY), officer_for(owed[0])
        for agency in {given.agency, *THEIRS} - {officer.agency}:
            stranger = replace(officer, agency=agency)
            assert type(dossier.refusal(act, stranger)) is NotAllowed
            assert act.action not in possible(before, stranger, DAY, rules().agencies)
        decision = dossier.act(act, officer)
        fact = decision.facts[0].fact
        if isinstance(fact, facts.StepFact):
            assert (fact.agency, fact.officer) == (officer.agency, act.officer or officer.subject)
    assert dossier.case.state is State.HANDED_OVER
    assert dossier.case.steps[0].agency == place_of(kind), "whose a step was is not rewritten"
    assert dossier.differing() == []


def test_before_midnight_the_successor_may_nothing_and_after_it_the_ended_agency() -> None:
    dossier = received(STATUS)
    act = act_of(dossier.case, duties(dossier.case)[0], DAY)
    for agency, at, may in ((TOWNSHIP, EVE, True), (HEIR, EVE, False), (TOWNSHIP, DAY, False), (HEIR, DAY, True)):
        officer = Officer("x", "desk", agency)
        named = replace(act, agency=agency)
        assert ("assign" in possible(dossier.case, officer, at, rules().agencies)) is may
        if not may:
            assert dossier.refusal(named, officer, at).code == "agency_not_allowed"


def test_the_successor_names_its_own_officers_and_none_of_the_ended_agency() -> None:
    dossier = received(STATUS)
    clerk, leader = Officer("clerk", "desk", HEIR), Officer("boss", "leader", HEIR)
    step = next(dossier.case.open_steps())
    ended = Act("assign", step_no=step.no, officer="anna", agency=TOWNSHIP)
    assert dossier.refusal(ended, clerk).code == "officer_of_first_open_step"
    dossier.act(replace(ended, agency=HEIR), clerk)
    assert dossier.refusal(Act("reassign", officer="bob", agency=TOWNSHIP), leader).code == "officer_of_same_agency"
    told = dossier.act(Act("reassign", officer="bob", agency=HEIR), leader).facts[0].fact
    assert isinstance(told, facts.DossierReassigned)
    assert (told.agency, told.officer, told.previous_officer, told.reassigned_by) == (HEIR, "bob", "anna", "boss")


def test_an_officer_who_moves_keeps_what_he_holds_and_one_who_does_not_is_replaced() -> None:
    dossier = received(STATUS)
    dossier.do(EVE)
    holder = next(dossier.case.open_steps()).holder or ""
    moved = Officer(holder, "specialist", HEIR)
    assert "forward" in possible(dossier.case, moved, DAY, rules().agencies)
    other = replace(moved, subject="other")
    assert dossier.refusal(Act("forward"), other).code == "holder_of_step"
    deputy = replace(other, stands_for=frozenset({holder}))
    assert "forward" in possible(dossier.case, deputy, DAY, rules().agencies)
    dossier.act(Act("reassign", officer="other", agency=HEIR), Officer("boss", "leader", HEIR))
    dossier.act(Act("forward"), other)


def test_the_register_of_the_successor_says_who_may_be_named() -> None:
    revoked = [
        Entry(no, unit, Said(EntryKind.REVOCATION, officer, EVE.date()), EVE, "boss")
        for no, (unit, officer) in enumerate(((HEIR, "anna"), (TOWNSHIP, "bob")), 1)
    ]
    drawn = means(officers=Register(revoked))
    case, clerk = received(STATUS).case, Officer("clerk", "desk", HEIR)
    step_no = next(case.open_steps()).no

    def named(officer: str) -> Decision:
        act = Act("assign", step_no=step_no, officer=officer, agency=HEIR)
        return decide(case, act, clerk, DAY, seen_version=case.version, means=drawn)

    with pytest.raises(Refusal) as refused:
        named("anna")
    assert refused.value.code == "named_officer_revoked"
    assert next(named("bob").after.open_steps()).holder == "bob"


def test_a_result_is_numbered_in_the_book_of_the_agency_in_force() -> None:
    dossier = received(STATUS)
    dossier.until("number")
    _, decision = dossier.do()
    told = decision.facts[0].fact
    assert isinstance(told, facts.ResultNumbered)
    assert (told.agency, told.result_number) == (HEIR, f"7/2025/{HEIR}")


def test_what_was_done_before_is_taken_back_and_mended_by_the_successor() -> None:
    clerk, anna, boss = (Officer(role, role, HEIR) for role in ("desk", "specialist", "leader"))
    dossier = received(STATUS)
    dossier.until("sign", EVE)
    worked = [step for step in dossier.case.steps if step.is_done and step.move == "work"][-1]
    told = dossier.act(Act("take"), boss).facts[0].fact
    assert isinstance(told, facts.StepTaken)
    back = Act("return_step", to_step=worked.no, reason=ReturnReason.DRAFT_FAULTY)
    returned = dossier.act(back, boss).facts[0].fact
    assert isinstance(returned, facts.StepReturned)
    assert (returned.agency, returned.to_agency, returned.to_officer) == (HEIR, HEIR, worked.holder)
    dossier.act(Act("forward"), replace(anna, subject=worked.holder or ""))
    dossier.act(Act("sign"), boss)
    dossier.act(Act("void_signature", reason=VoidingReason.RESULT_FAULTY), boss)
    dossier.until("hand_over")
    dossier.act(Act("reopen", reason=ReopeningReason.RESULT_FAULTY), boss)
    dossier.until("hand_over")
    dossier.act(act_of(dossier.case, dossier.owed()[0], DAY), clerk)
    dossier.act(Act("correct_result", reason=CorrectionReason.CLERICAL_ERROR), boss)
    assert dossier.differing() == []


def test_an_apology_is_the_successors_leaders() -> None:
    dossier = received(SIMPLE)
    dossier.case = replace(dossier.case, draft_opened_at=EVE)
    apology = Act("send_apology", reason=ApologyReason.WORKLOAD)
    assert ("send_apology", HEIR) in [(duty.action, duty.agency) for duty in dossier.owed()]
    for agency in ("H56.97", dossier.case.competent_agency, *THEIRS):
        assert dossier.refusal(apology, Officer("boss", "leader", agency)).code == "agency_not_allowed"
    told = dossier.act(apology, Officer("boss", "leader", HEIR)).facts[0].fact
    assert isinstance(told, facts.DossierApologised)
    assert told.agency == HEIR


def test_supplement_and_withdrawal_are_asked_and_confirmed_by_the_successor() -> None:
    clerk = Officer("clerk", "desk", HEIR)
    papers = (STATUS.papers[0].code,)
    dossier = received(STATUS)
    asked = dossier.act(Act("request_supplement", papers=papers), clerk).facts[0].fact
    assert isinstance(asked, facts.SupplementRequested)
    assert (asked.agency, dossier.case.halts[0].agency) == (HEIR, HEIR)
    wanted_back = received(SIMPLE)
    wanted_back.case = replace(wanted_back.case, withdrawal_requested_at=EVE)
    assert [duty.agency for duty in wanted_back.owed() if duty.action == "withdraw"] == [HEIR]
    wanted_back.act(Act("withdraw"), clerk)
    assert wanted_back.case.state is State.WITHDRAWN


def test_a_period_that_the_ended_agency_opened_is_ended_by_its_successor() -> None:
    dossier = received(LAND)
    spring = datetime(2025, 2, 28, 9, 0, tzinfo=ZONE)
    dossier.case = opened(LAND, spring).case
    dossier.do(spring)
    surveyor = Officer(next(dossier.case.open_steps()).holder or "", "specialist", "H56.92.01")
    dossier.act(Act("pause", period=facts.Period.SURVEY), surveyor, spring)
    later = spring + timedelta(days=3)
    assert dossier.refusal(Act("resume"), surveyor, later).code == "agency_not_allowed"
    assert [(duty.action, duty.agency) for duty in dossier.owed(later)] == [("resume", "H56.94.01")]
    dossier.act(Act("resume"), replace(surveyor, agency="H56.94.01"), later)
    assert dossier.case.open_period is None


def test_communes_that_were_asked_and_merged_owe_every_answer() -> None:
    dossier = received(LAND)
    dossier.do(EVE)
    asking = Officer(next(dossier.case.open_steps()).holder or "", "specialist", "H56.94.01")
    for commune in ("H56.97.30", "H56.97.31"):
        dossier.act(Act("ask_agency", agency=commune), asking, EVE)
    assert dossier.refusal(Act("ask_agency", agency="H56.97.39"), asking).code == "asked_agency_invalid"
    assert dossier.refusal(Act("ask_agency", agency=HEIR), asking).code == "asked_agency_invalid"
    clerk = Officer("clerk", "specialist", HEIR)
    told = [dossier.act(Act("answer_agency"), clerk).facts[0].fact for _ in range(2)]
    assert [getattr(fact, "asked_agency", "") for fact in told] == ["H56.97.30", "H56.97.31"]
    assert dossier.refusal(Act("answer_agency"), clerk).code == "asked_agency"
    dossier.act(Act("ask_agency", agency=HEIR), asking)


def test_nobody_asks_himself_under_a_former_name() -> None:
    dossier = received(STATUS)
    dossier.do(EVE)
    holder = Officer(next(dossier.case.open_steps()).holder or "", "specialist", HEIR)
    assert dossier.refusal(Act("ask_agency", agency=HEIR), holder).code == "asked_agency_invalid"
    assert dossier.refusal(Act("ask_agency", agency=TOWNSHIP), holder).code == "asked_agency_invalid"


EVENING, MORNING = EVE.replace(hour=16, minute=30), EVE.replace(hour=8)
"""The first step may take an hour."""


@pytest.mark.parametrize(("accepted_at", "whose"), [(EVENING, HEIR), (MORNING, TOWNSHIP)])
def test_lateness_is_whose_the_step_was_when_its_allowance_ran_out(accepted_at: datetime, whose: str) -> None:
    """A step that had time left at the order is late by its successor's doing; one that had overrun is not."""
    case = opened(STATUS, accepted_at).case
    times = step_times(case, STATUS, rules().calendar, DAY + timedelta(days=30))
    told = lateness_told(case, rules().agencies, times)
    assert told is not None
    assert [(part.agency.code, part.lateness_seconds) for part in told.by_agency] == [(whose, told.seconds)]


def test_a_commune_that_was_named_for_a_step_and_merged_is_found_in_the_facts_under_its_successors_name() -> None:
    dossier = received(OF_ANOTHER)
    while not any(step.is_open and step.agency == "H56.97.22" for step in dossier.case.steps):
        dossier.do(EVE)
    while dossier.owed():
        dossier.do()
    told = {getattr(heard.fact, "agency", "") for heard in dossier.told if heard.at == DAY}
    assert SIBLING in told, "of which it became a part"
    assert dossier.differing() == []


def test_a_dossier_concerns_whoever_took_its_part_over_in_its_area() -> None:
    case = received(SIMPLE).case
    assert case.area_code == AREA
    agencies, day = rules().agencies, DAY.date()
    seen = {
        agency.code
        for agency in agencies.agencies
        if agency.in_force(day) and case.concerns((agency.path, *agencies.inheritance(agency, day).paths))
    }
    assert seen == {HEIR, PROVINCE}
