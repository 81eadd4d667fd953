"""What leaders say of their officers, by date: who sits, who is away, who is revoked."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import ClassVar

from shared.contracts.terms import Fact


class EntryKind(StrEnum):
    """What an entry of the register of officers says."""

    SEAT = "seat"
    ABSENCE = "absence"
    REVOCATION = "revocation"
    WITHDRAWAL = "withdrawal"


class OfficerEntered(Fact):
    """A leader made an entry of his own unit: `officer` by the subject of his token, as everywhere.

    Entries are numbered over all units. A withdrawal takes back what the entry `withdraws` says.
    """

    TYPE: ClassVar[str] = "vn.motcua.officer.entered.v1"

    no: int
    kind: EntryKind
    agency: str
    officer: str
    role: str
    deputy: str
    first_day: date
    last_day: date | None = None
    withdraws: int | None = None
    recorded_by: str
