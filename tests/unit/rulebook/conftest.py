"""The seed as every rulebook test sees it."""

from __future__ import annotations

import pytest

from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Catalogue
from shared.rulebook.loader import Seed, load_seed, parse_agencies, parse_calendar, parse_catalogue


@pytest.fixture(scope="session")
def seed() -> Seed:
    return load_seed()


@pytest.fixture(scope="session")
def calendar(seed: Seed) -> Calendar:
    return parse_calendar("calendar-1", seed.calendar)


@pytest.fixture(scope="session")
def saturday_calendar(seed: Seed) -> Calendar:
    """An agency that also works on Saturday mornings."""
    week = [*seed.calendar["weekly"]]
    week[5] = [{"opens": "07:30", "closes": "11:30"}]
    return parse_calendar("calendar-saturday", {**seed.calendar, "weekly": week})


@pytest.fixture(scope="session")
def catalogue(seed: Seed) -> Catalogue:
    return parse_catalogue("catalogue-1", seed.catalogue)


@pytest.fixture(scope="session")
def agencies(seed: Seed) -> Agencies:
    return parse_agencies("agencies-1", seed.agencies)
