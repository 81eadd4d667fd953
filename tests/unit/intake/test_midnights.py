"""Both sides of the two midnights at which the law changes: 1 July 2025, 1 March 2027."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from services.intake.domain.acceptance import Acceptance, accept, acceptance_of
from services.intake.domain.attempts import Rules
from services.intake.domain.filing import Applicant, Filing, PaperHandedIn
from services.intake.domain.refusals import Refused
from services.intake.handlers.accepting import Desk
from shared.contracts.facts import Language
from shared.messaging.rules import RuleStore
from shared.rulebook.calendar import ZONE
from shared.rulebook.catalogue import Case
from shared.rulebook.limits import Limit, LimitKind
from shared.rulebook.loader import load_seed
from shared.rulebook.rule_files.catalogue_changes import Base
from shared.rulebook.rule_files.drawing import draw_catalogue
from tests.unit.intake.publications import published

SECOND = timedelta(seconds=1)
JULY = datetime(2025, 7, 1, tzinfo=ZONE)
MARCH = datetime(2027, 3, 1, tzinfo=ZONE)
DESK, TOWNSHIP, SUCCESSOR, AREA = "H56.97.01", "H56.97.21", "H56.61", "16093"
MARRIAGE = ("1.000894", "default")
CIVIL_STATUS_ACT = """procedure_code,case_code,field,value
,,in_force_from,2027-03-01
1.000894,default,limit_kind,working_days
1.000894,default,statutory,3
1.000894,default,promised,1
1.000894,default,cut_off,
1.000894,default,source_note,Luật Hộ tịch 03/2026/QH16
"""


@pytest.fixture(scope="module")
def store() -> RuleStore:
    """The seed, and the catalogue of the new act, published in January 2027."""
    seed = published(load_seed().versions())
    drawn = draw_catalogue(CIVIL_STATUS_ACT, Base(seed.last_catalogue(), date(2027, 1, 4)), 1)
    return published([*load_seed().versions(), (drawn.rule_set, drawn.version, drawn.content)])


@pytest.fixture
def rules_at(store: RuleStore) -> Callable[[datetime], Rules]:
    return Desk(journal=None, rules=store, clock=None, kek=None).rules_in_force  # type: ignore[arg-type]


def filing_of(case: Case) -> Filing:
    papers = tuple(
        PaperHandedIn(paper.code, paper.originals, paper.certified, paper.photocopies) for paper in case.papers
    )
    person = Applicant("Người Thử", "038195012345", None, "Nga Sơn", "0977012345", None)
    return Filing(
        procedure_code=case.procedure_code,
        case_code=case.case_code,
        area_code=AREA,
        applicant=person,
        content="",
        note="",
        language=Language.VI,
        channels=None,
        papers=papers,
    )


def accepted(rules: Rules, key: tuple[str, str], place: str, at: datetime) -> Acceptance | str:
    """The acceptance, or the code of the condition that refuses it."""
    try:
        return accept(filing_of(rules.catalogue.case(*key)), place, rules, at).acceptance
    except Refused as refused:
        return refused.code


@pytest.mark.parametrize(
    ("key", "place", "before", "after"),
    [
        (("1.012753", "default"), DESK, None, "procedure_in_force"),
        (("1.013978", "default"), SUCCESSOR, "procedure_in_force", None),
        (("1.014027", "default"), SUCCESSOR, "procedure_in_force", None),
        (("1.012784", "default"), DESK, None, "agency_receives"),
        (("1.012784", "default"), SUCCESSOR, "agency_receives", None),
        (MARRIAGE, TOWNSHIP, None, "agency_receives"),
        (MARRIAGE, SUCCESSOR, "agency_receives", None),
    ],
)
def test_places_and_procedures_change_with_the_first_second_of_july_2025(
    rules_at: Callable[[datetime], Rules], key: tuple[str, str], place: str, before: str | None, after: str | None
) -> None:
    for at, refused in ((JULY - SECOND, before), (JULY, after)):
        found = accepted(rules_at(at), key, place, at)
        assert (found if isinstance(found, str) else None) == refused, at


def test_a_limit_counts_from_the_day_of_acceptance_on_each_side_of_july_2025(
    rules_at: Callable[[datetime], Rules],
) -> None:
    """Five working days: 1, 2, 3, 4 and 7 July; or 2, 3, 4, 7 and 8 July."""
    rules = rules_at(JULY)
    case = rules.catalogue.case("1.012784", "default").model_copy(update={"promised": 5})
    last = acceptance_of(case, DESK, AREA, rules, JULY - SECOND)
    first = acceptance_of(case, SUCCESSOR, AREA, rules, JULY)
    assert last.promised_due == datetime(2025, 7, 7, 17, tzinfo=ZONE)
    assert first.promised_due == datetime(2025, 7, 8, 17, tzinfo=ZONE)
    assert {last.place.code, first.place.code} == {DESK, SUCCESSOR}


def test_who_decides_is_the_district_until_midnight_and_a_commune_from_then_on(
    rules_at: Callable[[datetime], Rules],
) -> None:
    rules = rules_at(JULY)
    district = next(
        case
        for case in rules.catalogue.cases_in_force(JULY.date())
        if case.decided_by.startswith("district:") and case.in_force((JULY - SECOND).date())
    )
    before = acceptance_of(district, DESK, AREA, rules, JULY - SECOND).competent
    after = acceptance_of(district, SUCCESSOR, AREA, rules, JULY).competent
    assert before.code.startswith("H56.97.")
    assert after.code == SUCCESSOR


def test_a_dossier_is_taken_in_under_the_act_in_force_in_that_second_of_march_2027(
    rules_at: Callable[[datetime], Rules],
) -> None:
    """28 February is a Sunday: by the old act, the same day, it is due on the first working day; by the new one, a day
    after that of its acceptance."""
    sunday, monday = MARCH - SECOND, MARCH
    old, new = (accepted(rules_at(at), MARRIAGE, SUCCESSOR, at) for at in (sunday, monday))
    assert isinstance(old, Acceptance)
    assert isinstance(new, Acceptance)
    assert old.rules.catalogue.version != new.rules.catalogue.version
    assert old.case.promised_limit.kind is LimitKind.SAME_DAY
    assert new.case.promised_limit == Limit(LimitKind.WORKING_DAYS, 1)
    assert old.promised_due == datetime(2027, 3, 1, 17, tzinfo=ZONE)
    assert new.promised_due == datetime(2027, 3, 2, 17, tzinfo=ZONE)


def test_what_was_registered_under_the_old_act_is_accepted_under_it(store: RuleStore) -> None:
    """The version is pinned when a dossier is registered; it is accepted after the midnight."""
    desk = Desk(journal=None, rules=store, clock=None, kek=None)  # type: ignore[arg-type]
    pinned = desk.rules_pinned(desk.rules_in_force(MARCH - SECOND).catalogue.version)
    case = pinned.catalogue.case(*MARRIAGE)
    found = acceptance_of(case, SUCCESSOR, AREA, pinned, MARCH + timedelta(hours=9))
    assert found.promised_due == datetime(2027, 3, 1, 17, tzinfo=ZONE)
    assert found.rules.catalogue.version == pinned.catalogue.version
