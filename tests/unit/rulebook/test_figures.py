"""What the figures count (C15)."""

from __future__ import annotations

from datetime import datetime, timedelta

from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import JUDGED, RESOLVED, Figure, resolved_as

DUE = datetime(2020, 3, 2, 17, tzinfo=ZONE)


def test_what_is_finished_counts_as_on_time_up_to_the_due_moment() -> None:
    assert resolved_as(DUE, DUE) is Figure.RESOLVED_ON_TIME
    assert resolved_as(DUE, DUE + timedelta(seconds=1)) is Figure.RESOLVED_LATE


def test_closed_without_result_is_resolved_and_in_no_part_of_the_share_on_time() -> None:
    assert Figure.CLOSED_WITHOUT_RESULT in RESOLVED
    assert Figure.CLOSED_WITHOUT_RESULT not in JUDGED
    assert set(JUDGED) < set(RESOLVED)
    assert Figure.RECEIVED not in RESOLVED
