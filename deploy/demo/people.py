"""The year's citizens, plainly fictional: every name holds the marker, every number follows a stated pattern.

- name: `<family name> Thử Nghiệm <number>` ("Thử Nghiệm" means "for testing");
- citizen number: 038 (Thanh Hóa), 0 or 1 (sex, born in the 20th century), year of birth, six digits of the number;
- phone: 0977 followed by six digits of the number, never dialled: the gateway of the year is a sink on the loopback;
- e-mail: one person in five has one, at `vi-du.example`, a domain that can never exist (RFC 2606).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

NAME_MARKER = "Thử Nghiệm"
EMAIL_DOMAIN = "vi-du.example"
_FAMILY_NAMES = ("Nguyễn", "Trần", "Lê", "Phạm", "Mai", "Hoàng", "Vũ", "Trịnh", "Đỗ", "Bùi")


@dataclass(frozen=True)
class Person:
    """One applicant. Born in the 20th century; `language` is that of the notices."""

    name: str
    citizen_number: str
    birth_date: date
    address: str
    phone: str
    email: str | None
    language: str


def person(number: int, commune_name: str) -> Person:
    """Make up the applicant of the dossier with this number; the same number is always the same person."""
    sex, year, serial = number % 2, 50 + number % 45, number % 1_000_000
    return Person(
        name=f"{_FAMILY_NAMES[number % len(_FAMILY_NAMES)]} {NAME_MARKER} {number:05d}",
        citizen_number=f"038{sex}{year:02d}{serial:06d}",
        birth_date=date(1900 + year, number % 12 + 1, number % 28 + 1),
        address=f"Nhà thử nghiệm số {number:05d}, {commune_name}",
        phone=f"0977{serial:06d}",
        email=f"thu.nghiem.{number:05d}@{EMAIL_DOMAIN}" if number % 5 == 0 else None,
        language="en" if number % 3 == 0 else "vi",
    )
