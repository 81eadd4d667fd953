"""Years through the whole product: every part real, each year on fresh data."""

from __future__ import annotations

import pytest

from deploy.demo.plan import YearRequest
from deploy.demo.report import YearReport
from tests.e2e.conftest import SMALL, YearRunner


def is_sound(report: YearReport) -> None:
    assert report.disagreements == []
    assert report.exit_code == 0
    found = report.as_json()
    assert found["resolved"] + found["in_progress"] == found["received"]
    assert found["in_progress_overdue"] == 0
    assert found["events"]["parked"] == 0
    notices = found["notices"]
    assert notices["requested"] == notices["handed_over"]
    assert notices["unknown"] == notices["failed"] == 0


@pytest.mark.timeout(600)
async def test_a_year_with_open_and_late_ones(undisturbed: YearReport) -> None:
    is_sound(undisturbed)
    found = undisturbed.as_json()
    assert found["received"] == SMALL.dossiers
    assert found["resolved"] == SMALL.dossiers - SMALL.open
    assert found["resolved_late"] == SMALL.late
    assert found["resolved_on_time"] == SMALL.dossiers - SMALL.open - SMALL.late
    assert found["in_progress_within_limit"] == SMALL.open
    assert found["apologies_published"] == SMALL.late
    assert found["foreign"] == 0


@pytest.mark.timeout(1200)
async def test_the_full_year_gives_the_reported_figures(years: YearRunner) -> None:
    report = await years.play(YearRequest())
    is_sound(report)
    found = report.as_json()
    assert found["received"] == 9470
    assert found["resolved"] == found["resolved_on_time"] == 9315
    assert found["in_progress"] == found["in_progress_within_limit"] == 155
    assert found["share_resolved_of_received"] == 0.9836
    assert found["share_on_time"] == 1.0
    assert found["apologies_published"] == 0
    assert found["foreign"] == 0
