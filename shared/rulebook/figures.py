"""What the figures count (C15), as data: which fact moves a dossier to which standing, which figures hold it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from shared.rulebook.limits import Outcome, judge


class Standing(StrEnum):
    """Where a dossier stands in the figures, before lateness is asked."""

    NOT_COUNTED = "not_counted"
    IN_PROGRESS = "in_progress"
    FINISHED = "finished"
    CLOSED_WITHOUT_RESULT = "closed_without_result"


class Figure(StrEnum):
    """A figure of the report; each dossier counts once in every figure that holds it."""

    RECEIVED = "received"
    RESOLVED = "resolved"
    RESOLVED_ON_TIME = "resolved_on_time"
    RESOLVED_LATE = "resolved_late"
    CLOSED_WITHOUT_RESULT = "closed_without_result"
    IN_PROGRESS = "in_progress"
    IN_PROGRESS_WITHIN_LIMIT = "in_progress_within_limit"
    IN_PROGRESS_OVERDUE = "in_progress_overdue"


STANDING_AFTER: Mapping[str, Standing] = {
    "dossier.registered": Standing.NOT_COUNTED,
    "dossier.refused": Standing.NOT_COUNTED,
    "dossier.registration_withdrawn": Standing.NOT_COUNTED,
    "dossier.accepted": Standing.IN_PROGRESS,
    "dossier.result_ready": Standing.FINISHED,
    "dossier.result_reopened": Standing.IN_PROGRESS,
    "dossier.withdrawn": Standing.CLOSED_WITHOUT_RESULT,
    "dossier.stopped": Standing.CLOSED_WITHOUT_RESULT,
    "dossier.refused_after_limit": Standing.CLOSED_WITHOUT_RESULT,
}
"""Fact of a move → standing; every other fact leaves the standing as it was, waiting for papers or payment included."""

FINISHED_FIGURES: Mapping[Outcome, frozenset[Figure]] = {
    Outcome.ON_TIME: frozenset({Figure.RECEIVED, Figure.RESOLVED, Figure.RESOLVED_ON_TIME}),
    Outcome.LATE: frozenset({Figure.RECEIVED, Figure.RESOLVED, Figure.RESOLVED_LATE}),
}
"""Figures of a finished dossier by its judgement."""

CLOSED_FIGURES = frozenset({Figure.RECEIVED, Figure.RESOLVED, Figure.CLOSED_WITHOUT_RESULT})
WITHIN_LIMIT_FIGURES = frozenset({Figure.RECEIVED, Figure.IN_PROGRESS, Figure.IN_PROGRESS_WITHIN_LIMIT})
OVERDUE_FIGURES = frozenset({Figure.RECEIVED, Figure.IN_PROGRESS, Figure.IN_PROGRESS_OVERDUE})

SHARES: Mapping[str, tuple[Figure, tuple[Figure, ...]]] = {
    "share_resolved_of_received": (Figure.RESOLVED, (Figure.RECEIVED,)),
    "share_on_time": (Figure.RESOLVED_ON_TIME, (Figure.RESOLVED_ON_TIME, Figure.RESOLVED_LATE)),
}
"""Share → its numerator and the figures whose sum is its denominator; closed without result is in neither part."""


def figures_of(
    standing: Standing, promised_due: datetime, finished_at: datetime | None, now: datetime
) -> frozenset[Figure]:
    """The figures that count a dossier of that standing at a moment (C15); `finished_at` is None until then."""
    if standing is Standing.NOT_COUNTED:
        return frozenset()
    if standing is Standing.CLOSED_WITHOUT_RESULT:
        return CLOSED_FIGURES
    if standing is Standing.FINISHED and finished_at is not None:
        return FINISHED_FIGURES[judge(promised_due, finished_at)]
    return OVERDUE_FIGURES if now > promised_due else WITHIN_LIMIT_FIGURES
