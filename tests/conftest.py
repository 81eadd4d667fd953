"""How the tests share two processes: each suite whole in one of them, the longest first."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parent

ORDER = (*("full year", "e2e", "faults", "together", "simulation", "stack", "notification", "messaging", "processing"),)
"""Suites with a stack of their own, in the order of their length; the others follow, and those without a stack last."""

settings.register_profile("machine", deadline=None)
settings.load_profile("machine")


def suite_of(item: pytest.Item) -> str | None:
    """Which stack a test works on, hence which tests may not run beside it; None when it needs none."""
    if marker := item.get_closest_marker("own_stack"):
        return str(marker.args[0])
    first, *rest = item.path.relative_to(ROOT).parts
    if first == "integration":
        return rest[0]
    return first if first in {"e2e", "simulation", "faults"} else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Group by suite and put long ones first: two processes then end at about the same time."""

    def place(item: pytest.Item) -> int:
        suite = suite_of(item)
        if suite is None:
            return len(ORDER) + 1
        return ORDER.index(suite) if suite in ORDER else len(ORDER)

    items.sort(key=place)
    for item in items:
        if suite := suite_of(item):
            item.add_marker(pytest.mark.xdist_group(suite))
