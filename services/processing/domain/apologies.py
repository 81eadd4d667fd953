"""The new date of an apology (Mẫu 04): given once, and never what lateness is judged by (C11, C12)."""

from __future__ import annotations

from datetime import datetime, timedelta

from services.processing.domain.refusals import ActInvalid
from shared.rulebook.calendar import Calendar, local

REAPPOINTMENT_WORKING_DAYS = 3
"""How far a re-appointment lies after the promised due day, unless the leader gives another moment."""

LONGEST_REAPPOINTMENT = timedelta(days=60)
"""No citizen is told to come back later than that after the promised due moment."""


def reappointment(calendar: Calendar, promised_due: datetime, now: datetime, wanted: datetime | None) -> datetime:
    """Give the moment of the re-appointment: the leader's, else the close of the third working day after the due day.

    Once the due day has passed, the days are counted from today.

    Raises ActInvalid unless a given moment lies in office hours, after now and the due moment, at most 60 days after.
    """
    after = max(local(promised_due), local(now))
    if wanted is None:
        day = after.date()
        for _ in range(REAPPOINTMENT_WORKING_DAYS):
            day = calendar.next_working_day(day)
        return calendar.close(day)
    # Compared as it was given: a moment at the end of all years has no form in our zone.
    if not after < wanted <= after + LONGEST_REAPPOINTMENT:
        raise ActInvalid("reappointed_to_invalid", "The new moment lies after now and the due moment, within 60 days.")
    wanted = local(wanted)
    if not any(session.start <= wanted <= session.end for session in calendar.sessions(wanted.date())):
        raise ActInvalid("reappointed_to_invalid", "The new moment lies outside office hours.")
    return wanted
