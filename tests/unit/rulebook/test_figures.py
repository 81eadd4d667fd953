"""What the figures count (C15)."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import SHARES, STANDING_AFTER, Figure, Standing, figures_of

DUE = datetime(2020, 3, 2, 17, tzinfo=ZONE)
SECOND = timedelta(seconds=1)


def test_each_standing_counts_once_in_each_of_its_figures() -> None:
    received, resolved, in_progress = Figure.RECEIVED, Figure.RESOLVED, Figure.IN_PROGRESS
    later = DUE + timedelta(days=9)
    assert figures_of(Standing.NOT_COUNTED, DUE, None, later) == set()
    assert figures_of(Standing.FINISHED, DUE, DUE, later) == {received, resolved, Figure.RESOLVED_ON_TIME}
    assert figures_of(Standing.FINISHED, DUE, DUE + SECOND, later) == {received, resolved, Figure.RESOLVED_LATE}
    assert figures_of(Standing.CLOSED_WITHOUT_RESULT, DUE, None, later) == {
        received,
        resolved,
        Figure.CLOSED_WITHOUT_RESULT,
    }
    assert figures_of(Standing.IN_PROGRESS, DUE, None, DUE) == {received, in_progress, Figure.IN_PROGRESS_WITHIN_LIMIT}
    assert figures_of(Standing.IN_PROGRESS, DUE, None, DUE + SECOND) == {
        received,
        in_progress,
        Figure.IN_PROGRESS_OVERDUE,
    }


def test_a_reopened_dossier_is_in_progress_again() -> None:
    assert figures_of(Standing.IN_PROGRESS, DUE, DUE, DUE + SECOND) == {
        Figure.RECEIVED,
        Figure.IN_PROGRESS,
        Figure.IN_PROGRESS_OVERDUE,
    }
    assert STANDING_AFTER["dossier.result_reopened"] is Standing.IN_PROGRESS


def test_closed_without_result_is_in_no_part_of_the_share_on_time() -> None:
    numerator, denominator = SHARES["share_on_time"]
    assert Figure.CLOSED_WITHOUT_RESULT not in {numerator, *denominator}
    assert Figure.RESOLVED not in denominator
