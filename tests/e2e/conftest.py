"""Years of any size, and the small one that is struck, played once and looked at by all."""

from __future__ import annotations

import pytest

from deploy.demo.play import seed_rules
from tests.e2e.small_year import SmallYear
from tests.e2e.years import SMALL, YearRunner


@pytest.fixture(scope="session")
def years() -> YearRunner:
    return YearRunner(seed_rules())


@pytest.fixture(scope="session")
async def year(years: YearRunner) -> SmallYear:
    """Processing dies three times inside a batch, intake and metrics once each, and Kafka's data is gone for ever."""
    small = SmallYear(years.plan(SMALL))
    await small.play(years)
    return small
