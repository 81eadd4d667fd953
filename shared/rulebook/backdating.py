"""How far back a legal time may reach (C14), and what the evidence for it is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from shared.contracts.backdating import Evidence
from shared.rulebook.calendar import Calendar, local

MOST_WORKING_DAYS = 3
"""How many working days may lie between, the day of the record counted, the earlier one not (as in C1)."""


@dataclass(frozen=True, slots=True)
class EvidenceName:
    """What a kind of evidence is called."""

    vi: str
    en: str


EVIDENCE: Mapping[Evidence, EvidenceName] = {
    Evidence.DESK_REGISTER: EvidenceName("sổ theo dõi hồ sơ ghi tay (Mẫu 07)", "the desk's handwritten register"),
    Evidence.HANDWRITTEN_RECEIPT: EvidenceName("giấy tiếp nhận viết tay (Mẫu 01)", "a handwritten receipt (form 01)"),
    Evidence.POSTMARK: EvidenceName("dấu ngày của bưu điện", "a postmark"),
    Evidence.INCIDENT_RECORD: EvidenceName("biên bản sự cố hệ thống", "the record of an incident"),
}
"""Kind of evidence → its names."""


def earliest_day(calendar: Calendar, recorded_at: datetime) -> date:
    """Find the earliest date to which a legal time may reach back from the moment of the record.

    On a day that is not worked nothing of the three is used up. Raises CalendarYearMissing.
    """
    day = local(recorded_at).date()
    left = MOST_WORKING_DAYS - calendar.is_working_day(day)
    for _ in range(left + 1):
        day = calendar.previous_working_day(day)
    return day
