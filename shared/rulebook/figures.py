"""What the figures count (C15), as data: what each dossier is counted as, and which counts a share divides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from shared.rulebook.limits import Outcome, judge


class Figure(StrEnum):
    """What a dossier is counted as: once, and anew after each reopening; all else in a report follows from these."""

    RECEIVED = "received"
    """Accepted: state 2 was reached. What is refused or withdrawn in state 1 counts nowhere."""
    RESOLVED_ON_TIME = "resolved_on_time"
    RESOLVED_LATE = "resolved_late"
    CLOSED_WITHOUT_RESULT = "closed_without_result"
    """Withdrawn, stopped, or refused after a missed limit, after acceptance."""
    APOLOGIES_PUBLISHED = "apologies_published"
    SUPPLEMENTS_REPEATED = "supplements_repeated"
    """Papers were asked for again after acceptance: the "no second request" of the three that must not be."""
    BACKDATED = "backdated"
    """Accepted as of before its record, on evidence and by a leader's approval (C14)."""
    REOPENED_ON_TIME = "reopened_on_time"
    """A finish that was on time and was taken back: the dossier is in progress again."""
    REOPENED_LATE = "reopened_late"
    """The same of a late one: however it is finished anew, it stays late (C11)."""


RESOLVED = (Figure.RESOLVED_ON_TIME, Figure.RESOLVED_LATE, Figure.CLOSED_WITHOUT_RESULT)
"""What "resolved" is the sum of; what is received and not resolved is in progress."""

JUDGED = (Figure.RESOLVED_ON_TIME, Figure.RESOLVED_LATE)
"""What the plain share on time divides by: closed without result is in neither of its parts."""

REOPENED: Mapping[Figure, Figure] = {
    Figure.RESOLVED_ON_TIME: Figure.REOPENED_ON_TIME,
    Figure.RESOLVED_LATE: Figure.REOPENED_LATE,
}
"""What a finish was counted as → what taking it back is counted as."""

_FIGURE_OF: Mapping[Outcome, Figure] = {
    Outcome.ON_TIME: Figure.RESOLVED_ON_TIME,
    Outcome.LATE: Figure.RESOLVED_LATE,
}


def resolved_as(promised_due: datetime, finished_at: datetime) -> Figure:
    """Name the figure that a finished dossier is counted in (C11)."""
    return _FIGURE_OF[judge(promised_due, finished_at)]
