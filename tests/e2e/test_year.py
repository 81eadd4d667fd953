"""Years through the whole product: every part real, one after the other on fresh data."""

from __future__ import annotations

import contextlib

import pytest

from deploy.demo.driver import Hook
from deploy.demo.fates import Impossible
from deploy.demo.plan import YearPlan, YearRequest
from deploy.demo.play import Stage
from deploy.demo.report import YearReport
from deploy.local.stack import Stack
from tests.e2e.conftest import YearRunner

SMALL = 300
FOREIGN = 7


def comparable(report: YearReport) -> dict[str, object]:
    return {name: value for name, value in report.as_json().items() if name != "seconds"}


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
async def test_a_year_with_late_ones_and_the_same_year_again(years: YearRunner) -> None:
    request = YearRequest(SMALL, open=4, late=12, seed=3)
    first = await years.play(request)
    is_sound(first)
    found = first.as_json()
    assert found["received"] == SMALL
    assert found["resolved"] == SMALL - 4
    assert found["resolved_late"] == 12
    assert found["resolved_on_time"] == SMALL - 16
    assert found["in_progress_within_limit"] == 4
    assert found["apologies_published"] == 12
    assert found["foreign"] == 0
    assert comparable(await years.play(request)) == comparable(first)


@pytest.mark.timeout(600)
async def test_the_largest_number_of_open_ones_and_strangers_who_file_seven_more(years: YearRunner) -> None:
    with pytest.raises(Impossible) as refused:
        years.plan(YearRequest(SMALL, open=SMALL))
    largest = refused.value.largest

    def strangers(stack: Stack, plan: YearPlan) -> dict[float, Hook]:
        async def strike() -> None:
            with contextlib.closing(Stage(stack, seed=99)) as stage:
                for arrival in plan.arrivals[:FOREIGN]:
                    await stage.offices.file(arrival)

        return {0.5: strike}

    report = await years.play(YearRequest(SMALL, open=largest), hooks=strangers)
    is_sound(report)
    found = report.as_json()
    assert found["received"] == SMALL + FOREIGN
    assert found["resolved"] == SMALL + FOREIGN - largest
    assert found["in_progress"] == largest
    assert found["foreign"] == FOREIGN


@pytest.mark.timeout(600)
async def test_another_size_and_seed_with_nothing_left_open(years: YearRunner) -> None:
    report = await years.play(YearRequest(211, open=0, seed=8))
    is_sound(report)
    found = report.as_json()
    assert found["received"] == found["resolved"] == found["resolved_on_time"] == 211
    assert found["in_progress"] == found["apologies_published"] == 0
    assert found["share_resolved_of_received"] == found["share_on_time"] == 1.0


@pytest.mark.timeout(900)
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
