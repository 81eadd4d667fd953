"""Which agency a step belongs to, and the role of its officer, by date: the shape of `law/roles.csv`."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

DISTRICT_ENDS = date(2025, 6, 30)
"""Last day of the district level (NĐ 118/2025); the second column of the table holds from the next day."""


class OfficerRole(StrEnum):
    """Role of the officer who acts on a step, as his token names it."""

    DESK = "desk"
    SPECIALIST = "specialist"
    LEADER = "leader"


class SeatKind(StrEnum):
    """Where a step sits, in terms of the dossier and the date."""

    PLACE = "place_of_reception"
    COMMUNE_OF_PLACE = "commune_of_place"
    COMMUNE_OF_AREA = "commune_of_area"
    COMMUNE_NAMED = "commune_named"
    OFFICE_OF_CASE = "office_of_case"
    DISTRICT_OFFICE = "district_office"
    DISTRICT = "district"
    DEPARTMENT = "department"
    ROLE_IN_FORCE = "role_in_force"
    SAME_AS = "same_as"


class Seat(BaseModel):
    """A kind of seat; `role` is the role of the agency, or for SAME_AS the step's role whose agency is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SeatKind
    role: str | None = None


class RoleRule(BaseModel):
    """One row: where a step's `agency_role` sits in cases decided by one of `decided_by` (`*` stands for any role)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    agency_role: str
    decided_by: tuple[str, ...]
    before: Seat
    after: Seat
    officer_role: OfficerRole

    def seat(self, day: date) -> Seat:
        """Where the step sits on a date."""
        return self.before if day <= DISTRICT_ENDS else self.after

    def covers(self, decided_by: str) -> bool:
        """Whether the row speaks about cases decided by that agency."""
        kind = decided_by.partition(":")[0] + ":*"
        return any(pattern in ("any", decided_by, kind) for pattern in self.decided_by)


ACCEPTANCE = "accept"
HANDING_OVER = "hand_over"
"""Agency roles of the two rows that speak about a case's first and last step, whatever role those name."""
