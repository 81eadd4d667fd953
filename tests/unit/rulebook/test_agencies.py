"""Agencies by date, places of reception, and where the steps of every case sit before and after the district."""

from __future__ import annotations

from datetime import date

import pytest

from shared.rulebook.agencies import Agencies, AgencyKind, UnknownAgency
from shared.rulebook.catalogue import Catalogue, ReceivedAt, StepMove, UnknownCase
from shared.rulebook.seats import OfficerRole
from shared.rulebook.steps import assign_steps, competent_agency

BEFORE, AFTER = date(2020, 6, 1), date(2025, 8, 1)
DISTRICT_DESK, TOWNSHIP, BA_DINH = "H56.97.01", "H56.97.21", "H56.97.22"
OFFICES = {"tp": "H56.97.04", "ldtbxh": "H56.97.03", "tckh": "H56.97.05", "ktht": "H56.97.06", "tnmt": "H56.97.02"}


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2020, 1, 1), 24),
        (date(2024, 12, 31), 24),
        (date(2025, 1, 1), 23),
        (date(2025, 6, 30), 23),
        (date(2025, 7, 1), 6),
    ],
)
def test_communes_by_date(agencies: Agencies, day: date, expected: int) -> None:
    assert len(agencies.communes(day)) == expected


def test_places_of_reception(agencies: Agencies) -> None:
    in_2020 = [agency.code for agency in agencies.places_of_reception(BEFORE)]
    assert len(in_2020) == 25
    assert in_2020[0] == DISTRICT_DESK
    assert [agency.code for agency in agencies.places_of_reception(AFTER)] == [f"H56.6{n}" for n in range(1, 7)]


def test_area_codes_are_reused_so_the_date_decides(agencies: Agencies) -> None:
    assert agencies.commune_of_area("16108", BEFORE).name_en.endswith("Nga Tiến Commune")
    assert agencies.commune_of_area("16108", AFTER).name_en.endswith("Tân Tiến Commune")
    assert agencies.commune_of_area("16120", date(2024, 12, 31)).code == "H56.97.29"
    assert agencies.commune_of_area("16120", date(2025, 1, 1)).code == "H56.97.45"
    assert not agencies.is_area("16117", AFTER)
    assert agencies.commune_of_area("16117", AFTER).code == "H56.61"
    with pytest.raises(UnknownAgency):
        agencies.commune_of_area("99999", AFTER)
    with pytest.raises(UnknownAgency):
        agencies.commune_of_area("16093", date(2019, 1, 1))


def test_every_area_of_2020_has_one_commune_of_2025(agencies: Agencies) -> None:
    for commune in agencies.communes(BEFORE):
        assert commune.area_code
        found = agencies.commune_of_area(commune.area_code, AFTER)
        assert found in agencies.communes(AFTER)
        assert found == agencies.successor(commune, AFTER)


def test_lookups(agencies: Agencies) -> None:
    assert agencies.in_force(TOWNSHIP, BEFORE)
    assert not agencies.in_force(TOWNSHIP, AFTER)
    assert not agencies.in_force("H56.00", BEFORE)
    assert [agency.code for agency in agencies.by_role("ldtbxh", BEFORE)] == ["H56.91", "H56.97.03"]
    assert agencies.the("ldtbxh", AFTER, AgencyKind.DEPARTMENT).code == "H56.93"
    for call in (
        lambda: agencies.get("H56.00"),
        lambda: agencies.the("commune", BEFORE),
        lambda: agencies.the("desk", AFTER),
        lambda: agencies.successor(agencies.get(DISTRICT_DESK), AFTER),
    ):
        with pytest.raises(UnknownAgency):
            call()


def test_may_receive(agencies: Agencies, catalogue: Catalogue) -> None:
    commune, district, both = (
        catalogue.case("1.001193", "default"),
        catalogue.case("2.000806", "default"),
        catalogue.case("1.012783", "default"),
    )
    assert [agencies.may_receive(case, TOWNSHIP, BEFORE) for case in (commune, district, both)] == [True, False, True]
    assert [agencies.may_receive(case, DISTRICT_DESK, BEFORE) for case in (commune, district, both)] == [
        False,
        True,
        True,
    ]
    assert [agencies.may_receive(case, "H56.61", AFTER) for case in (commune, district, both)] == [True] * 3
    for code in ("H56.97.02", "H56.97", "H56.61", "H56.00"):
        assert not agencies.may_receive(both, code, BEFORE)
    for code in (DISTRICT_DESK, TOWNSHIP):
        assert not agencies.may_receive(both, code, AFTER)


def expected_competent(decided_by: str, place: str) -> str:
    kind, _, role = decided_by.partition(":")
    return {"commune": place, "vpdkdd": "H56.92.01", "province": "H56.91", "district": OFFICES.get(role, "")}[kind]


def test_steps_of_every_case_in_2020(agencies: Agencies, catalogue: Catalogue) -> None:
    for case in catalogue.cases:
        place = DISTRICT_DESK if case.received_at is ReceivedAt.DISTRICT else TOWNSHIP
        competent = competent_agency(case, place, "16096", agencies, BEFORE).code
        assert competent == expected_competent(case.decided_by, place)
        commune = case.decided_by == "commune"
        office = competent if case.decided_by.startswith("district") else "H56.97.03"
        expected = {
            "desk": place if commune else DISTRICT_DESK,
            "specialist": place if commune else office,
            "office_head": place if commune else office,
            "leader": place if commune else "H56.97",
            "clerk": place if commune else "H56.97",
            "commune": BA_DINH,
            "commune_other": "",
            "council": BA_DINH,
            "social_office": "H56.97.03",
            "vpdkdd": "H56.92.01",
            "tax": "H56.87",
            "police": "H56.95",
            "insurance": "H56.85",
            "department": "H56.91",
        }
        planned = assign_steps(case, place, "16096", agencies, BEFORE)
        for step, found in zip(case.steps, planned, strict=True):
            ends = step.move in (StepMove.ACCEPT, StepMove.HAND_OVER)
            assert found.agency_code == (place if ends else expected[step.agency_role]), (case.procedure_code, step)
            assert found.agency_path == (agencies.get(found.agency_code).path if found.agency_code else "")
            assert (found.no, found.code, found.parallel_group) == (step.no, step.code, step.parallel_group)


def test_steps_of_every_case_after_the_district(agencies: Agencies, catalogue: Catalogue) -> None:
    place, of_area = "H56.61", "H56.66"
    expected_outside = {
        "vpdkdd": "H56.94.01",
        "tax": "H56.88",
        "police": "H56.96",
        "insurance": "H56.86",
        "commune_other": "",
    }
    for case in catalogue.cases:
        at_place = case.decided_by == "commune"
        for step, found in zip(case.steps, assign_steps(case, place, "16171", agencies, AFTER), strict=True):
            if step.move in (StepMove.ACCEPT, StepMove.HAND_OVER):
                expected = place
            elif step.agency_role in ("desk", "specialist", "office_head", "leader", "clerk"):
                expected = place if at_place else of_area
            elif step.agency_role == "department":
                expected = "H56.93"
            else:
                expected = expected_outside.get(step.agency_role, of_area)
            assert found.agency_code == expected, (case.procedure_code, step)


def test_officers(agencies: Agencies, catalogue: Catalogue) -> None:
    """A sign step is the leader's, the ends are the desk's; the rest as the table of roles says."""
    by_role = {"desk": "desk", "clerk": "desk", "office_head": "leader", "leader": "leader"}
    for case in catalogue.cases:
        for step, found in zip(case.steps, assign_steps(case, TOWNSHIP, "16093", agencies, BEFORE), strict=True):
            expected = by_role.get(step.agency_role, "specialist")
            if step.move is StepMove.SIGN:
                expected = "leader"
            elif step.move in (StepMove.ACCEPT, StepMove.HAND_OVER):
                expected = "desk"
            assert found.officer_role is OfficerRole(expected)


def test_a_dossier_of_the_district_goes_on_in_the_commune_of_its_area(agencies: Agencies, catalogue: Catalogue) -> None:
    case = catalogue.case("1.001612", "default")
    planned = assign_steps(case, DISTRICT_DESK, "16096", agencies, AFTER)
    assert {step.agency_code for step in planned} == {"H56.66", "H56.88"}
    assert competent_agency(case, DISTRICT_DESK, "16096", agencies, AFTER).code == "H56.66"
    moved = assign_steps(catalogue.case("1.001193", "default"), "H56.97.24", "16102", agencies, AFTER)
    assert {step.agency_code for step in moved} == {"H56.62"}


def test_the_catalogue_by_date(catalogue: Catalogue) -> None:
    assert len(catalogue.cases) == 67
    assert catalogue.case("1.012753", "default") in catalogue.cases_in_force(date(2025, 6, 30))
    assert catalogue.case("1.012753", "default") not in catalogue.cases_in_force(date(2025, 7, 1))
    assert catalogue.has_procedure("1.001193")
    assert not catalogue.has_procedure("1.000000")
    with pytest.raises(UnknownCase):
        catalogue.case("1.001193", "special")


def test_limits_and_steps_of_a_case(catalogue: Catalogue) -> None:
    case = catalogue.case("2.000806", "default")
    assert (case.statutory_limit.amount, case.promised_limit.amount) == (15, 5)
    assert not case.numbering_follows_sign
    assert catalogue.case("1.001193", "default").numbering_follows_sign
    assert case.step(2).allowance.total_seconds() == 8 * 3600
    for no in (0, 7):
        with pytest.raises(LookupError):
            case.step(no)
