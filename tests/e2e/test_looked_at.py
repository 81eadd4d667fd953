"""A year looked at closely: strangers filed too, a consumer was held, and afterwards nobody can be found."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.demo.fates import Impossible
from deploy.local.services import SERVICES
from tests.e2e.looks import PLACES, PLANTED, SCHEMAS
from tests.e2e.small_year import SmallYear
from tests.e2e.strikes import FOREIGN, strangers_of
from tests.e2e.years import SMALL, YearRunner


def test_as_many_stay_open_as_the_limits_allow(years: YearRunner) -> None:
    with pytest.raises(Impossible) as refused:
        years.plan(replace(SMALL, open=SMALL.dossiers))
    assert refused.value.largest == SMALL.open


@pytest.mark.timeout(1500)
async def test_strangers_dossiers_are_counted_and_decided_too(year: SmallYear) -> None:
    assert len(strangers_of(year.plan)) == FOREIGN
    found = year.told.as_json()
    assert found["foreign"] == FOREIGN
    assert found["received"] == SMALL.dossiers + FOREIGN
    assert found["resolved"] == SMALL.dossiers + FOREIGN - SMALL.open


async def test_the_clock_stands_still_while_a_consumer_is_held(year: SmallYear) -> None:
    [(before, after)] = year.clock
    assert before == after


async def test_no_trace_of_people_after_a_year_and_planted_ones_are_found(year: SmallYear) -> None:
    assert year.places >= PLACES
    assert {place.partition(".")[0] for place in year.places} >= {f"table {schema}" for schema in SCHEMAS}
    assert year.traces == []
    tables = {f"table {schema}.planted" for schema in SCHEMAS}
    served = {f"metrics of {service}" for service in SERVICES}
    for place in (PLACES - served) | tables | {"metrics of planted"}:
        for text in PLANTED:
            assert f"{place}: {text}" in year.planted


async def test_a_deleted_key_makes_its_people_unreadable_everywhere(year: SmallYear) -> None:
    assert year.erased is not None
    assert year.erased.people is None
    assert year.erased.key_left_in == []
    assert "Thử Nghiệm" in year.erased.neighbours_people["applicant"]["name"]
    before, after = year.erased.figures
    assert before == after
