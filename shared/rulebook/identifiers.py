"""Identifiers: dossier, agency and procedure codes, citizen numbers, phone numbers. Errors never repeat the input."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import phonenumbers

AGENCY = r"\d{3}\.\d{2}\.\d{2}\.H\d{2}|H\d{2}(?:\.\d{1,3}){0,3}"
"""Both national shapes: `000.17.22.H56` (QCVN 102:2016) and `H56.97.21` (QĐ 20/2020/QĐ-TTg)."""

_AGENCY_CODE = re.compile(AGENCY, re.ASCII)
_DOSSIER_CODE = re.compile(rf"({AGENCY})-(\d{{2}})(\d{{2}})(\d{{2}})-(\d{{4}}|[1-9]\d{{4,5}})", re.ASCII)
_PROCEDURE_CODE = re.compile(r"(\d\.\d{6})(?:\.[0-9H]{1,3}){0,5}", re.ASCII)
_CITIZEN_NUMBER = re.compile(r"\d{12}", re.ASCII)
_PHONE = re.compile(r"\+?[\d ().\-]{8,24}", re.ASCII)

BIRTH_PROVINCES = frozenset(
    f"{code:03}"
    for code in (
        1,
        2,
        4,
        6,
        8,
        10,
        11,
        12,
        14,
        15,
        17,
        19,
        20,
        22,
        24,
        25,
        26,
        27,
        30,
        31,
        33,
        34,
        35,
        36,
        37,
        38,
        40,
        42,
        44,
        45,
        46,
        48,
        49,
        51,
        52,
        54,
        56,
        58,
        60,
        62,
        64,
        66,
        67,
        68,
        70,
        72,
        74,
        75,
        77,
        79,
        80,
        82,
        83,
        84,
        86,
        87,
        89,
        91,
        92,
        93,
        94,
        95,
        96,
    )
)
"""The 63 provinces of birth registration; a number keeps its province after mergers (038: Thanh Hóa)."""


class InvalidIdentifier(ValueError):
    """A text is not the identifier that it should be."""


class InvalidDossierCode(InvalidIdentifier):
    """Not a dossier code (mã hồ sơ)."""


class InvalidAgencyCode(InvalidIdentifier):
    """Not an agency code (mã định danh cơ quan)."""


class InvalidProcedureCode(InvalidIdentifier):
    """Not a procedure code (mã thủ tục hành chính)."""


class InvalidCitizenNumber(InvalidIdentifier):
    """Not a citizen number (số định danh cá nhân)."""


class InvalidPhone(InvalidIdentifier):
    """Not a phone number that could be called."""


@dataclass(frozen=True, slots=True, order=True)
class DossierCode:
    """`H56.97.21-200102-0001`: place of reception, registration day, number of the place's day from 1.

    Four digits, more from the 10,000th on. Raises InvalidDossierCode when built from what no code can say.
    """

    place: str
    day: date
    number: int

    def __post_init__(self) -> None:
        if not (_AGENCY_CODE.fullmatch(self.place) and 2000 <= self.day.year <= 2099 and 1 <= self.number <= 999_999):
            raise InvalidDossierCode("place, day or number do not fit a dossier code")

    def __str__(self) -> str:
        return f"{self.place}-{self.day:%y%m%d}-{self.number:04d}"

    @classmethod
    def parse(cls, text: str) -> DossierCode:
        """The parts of a code. Raises InvalidDossierCode."""
        found = _DOSSIER_CODE.fullmatch(text)
        if found is None:
            raise InvalidDossierCode("a dossier code looks like H56.97.21-200102-0001")
        place, year, month, day, number = found.groups()
        try:
            return cls(place, date(2000 + int(year), int(month), int(day)), int(number))
        except ValueError:
            raise InvalidDossierCode("the dossier code names no real date or number") from None


def agency_code(text: str) -> str:
    """The agency code itself, in either national shape. Raises InvalidAgencyCode."""
    if not _AGENCY_CODE.fullmatch(text):
        raise InvalidAgencyCode("an agency code looks like H56.97.21")
    return text


def procedure_code(text: str) -> str:
    """The national stem `d.dddddd` of a procedure code; local endings are dropped. Raises InvalidProcedureCode."""
    found = _PROCEDURE_CODE.fullmatch(text)
    if found is None:
        raise InvalidProcedureCode("a procedure code looks like 1.001193")
    return found.group(1)


def citizen_number(text: str) -> str:
    """The number itself: 12 digits with a known province of birth, no check digit. Raises InvalidCitizenNumber."""
    if not _CITIZEN_NUMBER.fullmatch(text):
        raise InvalidCitizenNumber("A citizen number has 12 digits.")
    if text[:3] not in BIRTH_PROVINCES:
        raise InvalidCitizenNumber("The citizen number names no province.")
    return text


def agrees_with_birth(number: str, born: date) -> bool:
    """Whether a valid citizen number agrees with the declared year of birth; a mismatch is a warning, not an error."""
    return 1900 + 100 * (int(number[3]) // 2) + int(number[4:6]) == born.year


def normalise_phone(raw: str) -> str:
    """The number in E.164 (`+84912345678`); without a country code it is Vietnamese. Raises InvalidPhone."""
    text = raw.strip()
    if not _PHONE.fullmatch(text):
        raise InvalidPhone("A phone number has digits only, with + before a country code.")
    try:
        number = phonenumbers.parse(text, "VN")
    except phonenumbers.NumberParseException:
        raise InvalidPhone("This is not a phone number.") from None
    if not phonenumbers.is_valid_number(number):
        raise InvalidPhone("No such phone number is in use.")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
