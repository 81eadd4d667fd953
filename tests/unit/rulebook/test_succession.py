"""Who answers for an agency's work on a date, and for whose work an agency answers: one rule, asked both ways."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from shared.rulebook.agencies import Agencies, in_area
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.steps import assign_steps, competent_agency

ORDERS = (date(2025, 1, 1), date(2025, 3, 1), date(2025, 7, 1))
"""First days on which others are in force."""
DAYS = (date(2020, 1, 2), *(day - timedelta(days=back) for day in ORDERS for back in (1, 0)), date(2027, 1, 1))
BEFORE, AFTER = date(2020, 6, 1), date(2025, 8, 1)
DISTRICT, DISTRICT_DESK, TOWNSHIP, BA_DINH = "H56.97", "H56.97.01", "H56.97.21", "H56.97.22"
NGA_TRUNG, NGA_HIEP, NEW_NGA_SON, NEW_BA_DINH = "H56.97.28", "H56.97.45", "H56.61", "H56.66"
AREA, OTHER_AREA = "16093", "16096"


def areas(agencies: Agencies) -> list[str]:
    return sorted({agency.area_code for agency in agencies.communes(BEFORE) if agency.area_code})


@pytest.mark.parametrize("day", DAYS)
def test_whoever_answers_for_an_ended_agency_inherits_from_it_and_nobody_else(agencies: Agencies, day: date) -> None:
    inherited = {heir: agencies.inheritance(heir, day) for heir in agencies.agencies if heir.in_force(day)}
    for former in agencies.agencies:
        for area in areas(agencies):
            answering = agencies.answering(former.code, area, day)
            heirs = [
                heir
                for heir, found in inherited.items()
                if former in found.whole or (former in found.divided and area in found.areas)
            ]
            if former.valid_from > day:
                assert (answering, heirs) == (None, [])
            elif former.in_force(day):
                assert (answering, heirs) == (former, [])
            else:
                assert heirs == [answering], (former.code, area)


def test_nobody_inherits_anything_before_the_first_order(agencies: Agencies) -> None:
    for day in (date(2020, 1, 2), date(2024, 12, 31)):
        for agency in agencies.agencies:
            if agency.in_force(day):
                assert list(agencies.inheritance(agency, day).paths) == []


@pytest.mark.parametrize(
    ("code", "area", "day", "expected"),
    [
        (NGA_TRUNG, AREA, date(2024, 12, 31), NGA_TRUNG),
        (NGA_TRUNG, AREA, date(2025, 1, 1), NGA_HIEP),
        (NGA_TRUNG, AREA, date(2025, 6, 30), NGA_HIEP),
        (NGA_TRUNG, AREA, date(2025, 7, 1), NEW_NGA_SON),
        ("H56.92.01", AREA, date(2025, 3, 1), "H56.94.01"),
        (DISTRICT, AREA, date(2025, 6, 30), DISTRICT),
        (DISTRICT, AREA, date(2025, 7, 1), NEW_NGA_SON),
        (DISTRICT, OTHER_AREA, date(2025, 7, 1), NEW_BA_DINH),
        (DISTRICT_DESK, "16117", date(2025, 7, 1), NEW_NGA_SON),  # Nga Trung's area, through two orders
        (DISTRICT, "99999", date(2025, 7, 1), None),
        (NEW_NGA_SON, AREA, date(2025, 6, 30), None),
        ("H56.00", AREA, BEFORE, None),
        ("", AREA, BEFORE, None),
    ],
)
def test_who_answers(agencies: Agencies, code: str, area: str, day: date, expected: str | None) -> None:
    found = agencies.answering(code, area, day)
    assert (None if found is None else found.code) == expected


def test_what_was_given_to_an_agency_is_answered_for_by_whom_the_law_would_give_it_to_later(
    agencies: Agencies, catalogue: Catalogue
) -> None:
    """The table of roles by date (`law/roles.csv`) and the succession of agencies say the same of every step."""
    for case in catalogue.cases:
        for place in (DISTRICT_DESK, TOWNSHIP, BA_DINH, NGA_TRUNG):
            for area in areas(agencies):
                given, later = (assign_steps(case, place, area, agencies, day) for day in (BEFORE, AFTER))
                decides, after = (competent_agency(case, place, area, agencies, day) for day in (BEFORE, AFTER))
                assert agencies.answering(decides.code, area, AFTER) == after
                for step, then in zip(given, later, strict=True):
                    found = agencies.answering(step.agency_code, area, AFTER)
                    assert ("" if found is None else found.code) == then.agency_code, (case.procedure_code, step)


def test_a_path_with_an_area_is_that_agency_in_that_area_and_nothing_below_it(agencies: Agencies) -> None:
    divided = in_area(agencies.get(DISTRICT).path, AREA)
    parts = {
        (code, area): in_area(agencies.get(code).path, area)
        for code in (DISTRICT, TOWNSHIP)
        for area in (AREA, OTHER_AREA)
    }
    assert [key for key, part in parts.items() if part.startswith(divided)] == [(DISTRICT, AREA)]
    assert all(part.startswith(agencies.get(DISTRICT).path) for part in parts.values())
