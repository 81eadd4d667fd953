from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.offices import dossier_body
from deploy.demo.people import NAME_MARKER, person
from deploy.demo.plan import YearRequest, plan_year
from deploy.demo.play import seed_rules
from services.intake.api.bodies import FilingBody
from shared.rulebook.identifiers import agrees_with_birth, citizen_number, normalise_phone

PEOPLE = st.integers(1, 999_999)


@given(PEOPLE)
def test_everybody_is_fictional_and_passes_the_rulebook(number: int) -> None:
    somebody = person(number, "UBND xã Nga Thử")
    assert NAME_MARKER in somebody.name
    assert citizen_number(somebody.citizen_number) == somebody.citizen_number
    assert agrees_with_birth(somebody.citizen_number, somebody.birth_date)
    assert normalise_phone(somebody.phone) == f"+84{somebody.phone[1:]}"
    assert somebody.email is None or somebody.email.endswith(".example")


@given(PEOPLE, PEOPLE)
def test_no_two_share_anything(one: int, other: int) -> None:
    if one == other:
        return
    first, second = person(one, ""), person(other, "")
    assert first.name != second.name
    assert first.citizen_number != second.citizen_number
    assert first.phone != second.phone
    assert first.email is None or first.email != second.email


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("mail", [True, False])
def test_both_languages_and_both_channels_occur(language: str, mail: bool) -> None:
    everybody = (person(number, "") for number in range(1, 301))
    assert any(one.language == language and (one.email is not None) == mail for one in everybody)


def test_every_form_is_one_that_intake_takes_and_names_its_person_in_every_free_text() -> None:
    for arrival in plan_year(seed_rules(), YearRequest(300, open=0)).arrivals:
        somebody = person(arrival.number, arrival.place.name_vi)
        filed = FilingBody.model_validate(dossier_body(arrival), strict=False)
        assert somebody.name in filed.content
        assert somebody.name in filed.note
