"""An earlier legal time than that of the record (C14): who let it count, and on what evidence."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict


class Evidence(StrEnum):
    """What shows that something had happened before it was recorded."""

    DESK_REGISTER = "desk_register"
    HANDWRITTEN_RECEIPT = "handwritten_receipt"
    POSTMARK = "postmark"
    INCIDENT_RECORD = "incident_record"


class Backdating(BaseModel):
    """A fact's legal time lies before `recorded_at`: on this evidence, approved by an officer of this agency."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    recorded_at: AwareDatetime
    evidence: Evidence
    approved_by: str
    approving_agency: str
