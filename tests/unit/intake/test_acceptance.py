"""The decision at the desk: pure, so every condition is tried with a filing that is wrong in one thing only."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from services.intake.api.refusals import as_problem
from services.intake.domain.acceptance import accept
from services.intake.domain.attempts import CONDITIONS, Rules
from services.intake.domain.filing import Applicant, Filing, PaperHandedIn
from services.intake.domain.refusals import Refused
from shared.contracts.facts import Channel, Language
from shared.rulebook.calendar import ZONE, CalendarYearMissing
from shared.rulebook.catalogue import Case, ReceivedAt
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue
from shared.rulebook.moves import MOVES, moves_for

MORNING = datetime(2020, 1, 2, 7, 30, tzinfo=ZONE)
COMMUNE, DISTRICT_DESK = "H56.97.21", "H56.97.01"


@pytest.fixture(scope="module")
def rules() -> Rules:
    seed = load_seed()
    return Rules(
        parse_catalogue("catalogue-1", seed.catalogue),
        parse_calendar("calendar-1", seed.calendar),
        parse_agencies("agencies-1", seed.agencies),
    )


def filing_of(case: Case) -> Filing:
    return Filing(
        procedure_code=case.procedure_code,
        case_code=case.case_code,
        area_code="16093",
        applicant=Applicant("Người Thử", "038195012345", None, "Nga Sơn", "0977012345", "thu@vi-du.example"),
        content="",
        note="",
        language=Language.VI,
        channels=None,
        papers=tuple(
            PaperHandedIn(paper.code, paper.originals, paper.certified, paper.photocopies)
            for paper in case.papers
            if paper.required
        ),
    )


@pytest.fixture
def filing(rules: Rules) -> Filing:
    return filing_of(rules.catalogue.case("1.001193", "default"))


def refusal(filing: Filing, rules: Rules, place: str = COMMUNE, at: datetime = MORNING) -> Refused:
    with pytest.raises(Refused) as refused:
        accept(filing, place, rules, at)
    return refused.value


def test_the_conditions_are_those_of_the_move_table() -> None:
    (move,) = moves_for(None, "accept_at_desk")
    assert list(move.conditions) == ["procedure_in_force", "agency_receives", "papers_complete"]
    assert move.roles == ("desk",)
    begun = [move for move in MOVES if move.from_states == (None,)]
    assert CONDITIONS.keys() == {condition for move in begun for condition in move.conditions}


def test_every_case_of_2020_is_accepted_where_it_is_received(rules: Rules) -> None:
    for case in rules.catalogue.cases_in_force(MORNING.date()):
        place = DISTRICT_DESK if case.received_at is ReceivedAt.DISTRICT else COMMUNE
        accepted = accept(filing_of(case), place, rules, MORNING)
        acceptance = accepted.acceptance
        assert MORNING < acceptance.promised_due <= acceptance.statutory_due
        assert acceptance.place.path in acceptance.step_paths
        assert accepted.channels == (Channel.SMS, Channel.EMAIL)
        assert accepted.people.applicant.phone == "+84977012345"


def test_a_commune_that_is_named_only_later_has_no_part_before(rules: Rules) -> None:
    """The area's commune is another than the place's, and nothing but the step that names none could be its."""
    case = rules.catalogue.case("1.000894", "verified")
    assert "commune_other" in {step.agency_role for step in case.steps}
    accepted = accept(replace(filing_of(case), area_code="16096"), COMMUNE, rules, MORNING)
    assert rules.agencies.commune_of_area("16096", MORNING.date()).path == "90.97.22."
    assert accepted.acceptance.step_paths == ("90.97.21.",)


def test_each_missing_paper_is_named_by_its_code(filing: Filing, rules: Rules) -> None:
    refused = refusal(replace(filing, papers=()), rules)
    assert refused.code == "papers_complete"
    required = [paper.code for paper in rules.catalogue.case("1.001193", "default").papers if paper.required]
    assert len(required) > 1
    told = [error.message.en.partition(":")[0] for error in as_problem(refused).errors]
    assert [before.rpartition("(")[2] for before in told] == [f"{code})" for code in required]


@pytest.mark.parametrize("kind", ["originals", "certified", "photocopies"])
def test_one_copy_too_few_is_refused_and_one_too_many_is_not(rules: Rules, kind: str) -> None:
    case, place = next(
        (case, place)
        for case in rules.catalogue.cases_in_force(MORNING.date())
        for place, paper in enumerate(filter(lambda paper: paper.required, case.papers))
        if getattr(paper, kind)
    )
    good = filing_of(case)
    where = DISTRICT_DESK if case.received_at is ReceivedAt.DISTRICT else COMMUNE
    papers = list(good.papers)
    count = getattr(papers[place], kind)
    papers[place] = replace(papers[place], **{kind: count - 1})
    assert refusal(replace(good, papers=tuple(papers)), rules, where).code == "papers_complete"
    papers[place] = replace(papers[place], **{kind: count + 1})
    assert accept(replace(good, papers=tuple(papers)), where, rules, MORNING).acceptance.case == case


def test_a_paper_named_twice_or_of_no_list_is_refused(filing: Filing, rules: Rules) -> None:
    twice = replace(filing, papers=(*filing.papers, filing.papers[0]))
    strange = replace(filing, papers=(*filing.papers, PaperHandedIn("khong-co", 1, 0, 0)))
    for wrong in (twice, strange):
        (fault,) = refusal(wrong, rules).faults
        assert fault.pointer == f"/papers/{len(filing.papers)}/paper_code"


def test_the_first_condition_in_the_order_of_the_law_is_named(filing: Filing, rules: Rules) -> None:
    late = MORNING.replace(year=2019)
    wrong_in_all = replace(filing, papers=())
    assert refusal(wrong_in_all, rules, DISTRICT_DESK, late).code == "procedure_in_force"
    assert refusal(wrong_in_all, rules, DISTRICT_DESK).code == "agency_receives"
    assert refusal(wrong_in_all, rules).code == "papers_complete"


def test_a_place_that_is_no_more_or_not_yet_receives_nothing(filing: Filing, rules: Rules) -> None:
    assert refusal(filing, rules, "H56.61").code == "agency_receives"
    after = datetime(2025, 7, 1, 8, tzinfo=ZONE)
    assert refusal(filing, rules, COMMUNE, after).code == "agency_receives"
    assert accept(filing, "H56.61", rules, after).acceptance.competent.code == "H56.61"


def test_people_are_checked(filing: Filing, rules: Rules) -> None:
    def wrong(**changes: str | None) -> str:
        return refusal(replace(filing, applicant=replace(filing.applicant, **changes)), rules).code

    assert wrong(citizen_number="999195012345") == "citizen_number_invalid"
    assert wrong(phone="0123") == "phone_invalid"
    assert refusal(replace(filing, area_code="99999"), rules).code == "area_unknown"
    assert refusal(replace(filing, procedure_code="9.999999"), rules).code == "unknown_procedure"


def test_channels_are_as_wished_and_need_an_address(filing: Filing, rules: Rules) -> None:
    by_zalo = replace(filing, channels=(Channel.ZALO, Channel.EMAIL))
    assert accept(by_zalo, COMMUNE, rules, MORNING).channels == (Channel.ZALO, Channel.EMAIL)
    wished = replace(filing, channels=(Channel.EMAIL, Channel.EMAIL))
    assert accept(wished, COMMUNE, rules, MORNING).channels == (Channel.EMAIL,)
    assert accept(replace(filing, channels=()), COMMUNE, rules, MORNING).channels == ()
    mute = replace(filing, applicant=replace(filing.applicant, phone=None, email=None))
    assert accept(mute, COMMUNE, rules, MORNING).channels == ()
    for channel in (Channel.SMS, Channel.ZALO):
        assert refusal(replace(mute, channels=(channel,)), rules).code == "channel_without_address"


def test_a_year_that_the_calendar_lacks_is_named(filing: Filing, rules: Rules) -> None:
    with pytest.raises(CalendarYearMissing, match="2031"):
        accept(filing, "H56.61", rules, datetime(2031, 1, 2, 8, tzinfo=ZONE))
