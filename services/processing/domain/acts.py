"""What an officer wants to do: the act, who he is, and the closed lists that an act chooses from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.contracts.facts import Handover, Receiver


class ApologyReason(StrEnum):
    """Why a dossier will be late, as Mẫu 04 says it to the citizen: a closed list, never free text."""

    OFFICER_ABSENT = "officer_absent"
    WORKLOAD = "workload"
    OTHER_AGENCY = "other_agency"
    VERIFICATION = "verification"
    SYSTEM_FAILURE = "system_failure"


@dataclass(frozen=True, slots=True)
class Officer:
    """Who acts: the subject, role and agency of a verified token."""

    subject: str
    role: str
    agency: str


@dataclass(frozen=True, slots=True)
class Act:
    """One act; each action reads its own fields.

    `other_communes` names who does the steps that it opens, where the catalogue leaves that open.
    """

    action: str
    step_no: int | None = None
    officer: str | None = None
    agency: str | None = None
    other_communes: tuple[str, ...] = ()
    receiver: Receiver | None = None
    handover: Handover | None = None
    reason: ApologyReason | None = None
    reappointed_to: datetime | None = None
