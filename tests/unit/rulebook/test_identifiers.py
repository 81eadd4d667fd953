"""Codes and numbers: what is accepted, what is refused, what is never repeated in an error."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.rulebook.identifiers import (
    BIRTH_PROVINCES,
    DossierCode,
    InvalidAgencyCode,
    InvalidCitizenNumber,
    InvalidDossierCode,
    InvalidPhone,
    InvalidProcedureCode,
    agency_code,
    agrees_with_birth,
    citizen_number,
    normalise_phone,
    procedure_code,
)


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("H56.97.21-200102-0001", 1),
        ("H56.97.21-200102-9999", 9999),
        ("H56.97.21-200102-10000", 10_000),
        ("H56.97.21-200102-123456", 123_456),
        ("000.17.22.H56-210531-0001", 1),
        ("H56.14-240823-0001", 1),
    ],
)
def test_dossier_codes(code: str, number: int) -> None:
    parsed = DossierCode.parse(code)
    assert parsed.number == number
    assert str(parsed) == code


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.integers(1, 999_999))
def test_dossier_codes_return_from_text(day: date, number: int) -> None:
    code = DossierCode("H56.97.01", day, number)
    assert DossierCode.parse(str(code)) == code


@pytest.mark.parametrize(
    "code",
    [
        "",
        "H56.97.21-200230-0001",
        "H56.97.21-200102-0000",
        "H56.97.21-200102-001",
        "H56.97.21-200102-00001",
        "H56.97.21-200102-1234567",
        "H56.97.21-200102-0001\n",
        "H56.97.21-200102-０００１",
        "h56.97.21-200102-0001",
        "H56.97.21.1.1-200102-0001",
    ],
)
def test_no_dossier_codes(code: str) -> None:
    with pytest.raises(InvalidDossierCode) as caught:
        DossierCode.parse(code)
    assert not code or code not in str(caught.value)


@pytest.mark.parametrize(("place", "number"), [("Nga Sơn", 1), ("H56.97.21", 0), ("H56.97.21", 1_000_000)])
def test_no_dossier_codes_from_wrong_parts(place: str, number: int) -> None:
    with pytest.raises(InvalidDossierCode):
        DossierCode(place, date(2020, 1, 2), number)


def test_agency_and_procedure_codes() -> None:
    assert agency_code("H56.97.21") == "H56.97.21"
    assert agency_code("000.17.22.H56") == "000.17.22.H56"
    for text in ("H56.", "56.97", "H56.9777", "H56.97.21 "):
        with pytest.raises(InvalidAgencyCode):
            agency_code(text)
    assert procedure_code("2.000815") == "2.000815"
    assert procedure_code("2.000815.000.00.00.H55") == "2.000815"
    assert procedure_code("1.000948.H38") == "1.000948"
    for text in ("2.00081", "2000815", "2.0008155", "a.000815"):
        with pytest.raises(InvalidProcedureCode):
            procedure_code(text)


def test_citizen_numbers() -> None:
    assert len(BIRTH_PROVINCES) == 63
    assert citizen_number("038085001234") == "038085001234"
    for text in ("", "03808500123", "0380850012345", "038 85001234", "003085001234", "٠٣٨٠٨٥٠٠١٢٣٤"):
        with pytest.raises(InvalidCitizenNumber) as caught:
            citizen_number(text)
        assert not text or text not in str(caught.value)
    assert agrees_with_birth("038085001234", date(1985, 4, 30))
    assert agrees_with_birth("038305001234", date(2005, 4, 30))
    assert not agrees_with_birth("038085001234", date(1986, 4, 30))


@pytest.mark.parametrize("raw", ["0912345678", "0912 345 678", "+84912345678", " 091-234-5678 ", "(091) 2345678"])
def test_phones_have_one_form(raw: str) -> None:
    assert normalise_phone(raw) == "+84912345678"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "113",
        "01612345678",
        "0992345678",
        "0912-CALL-ME",
        "0912345678 ext 5",
        "０９１２３４５６７８",
        "+999123456789",
    ],
)
def test_phones_that_cannot_be_called(raw: str) -> None:
    with pytest.raises(InvalidPhone) as caught:
        normalise_phone(raw)
    assert not raw or raw not in str(caught.value)


def test_landline_of_the_province() -> None:
    assert normalise_phone("0237 3872 123") == "+842373872123"
