"""How the tests share a few processes: each suite whole in one of them, the longest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

STACKS = (
    "tests/e2e/test_full_year.py",
    "tests/e2e/",
    "tests/integration/together/",
    "tests/integration/metrics/",
    "tests/simulation/",
    "tests/integration/stack/",
    "tests/faults/",
    "tests/integration/notification/",
    "tests/integration/messaging/",
    "tests/integration/processing/",
    "tests/integration/intake/",
    "tests/integration/shared/",
)
"""What has a stack of its own, the longest first: the tests of one never run beside each other.

There are three processes; a fourth stack costs more than the cores are idle. The one with the full year, the longest by
far and a single test, is given a second suite before it begins with it: the fourth of the list, which is a short one.
"""

settings.register_profile("machine", deadline=None)
settings.load_profile("machine")


def stack_of(nodeid: str) -> str | None:
    """Which stack a test works on; None when it needs none."""
    return next((place for place in STACKS if nodeid.startswith(place)), None)


class Suites(LoadScopeScheduling):  # type: ignore[misc]
    """Gives whole suites to a process; those without a stack by file."""

    def _split_scope(self, nodeid: str) -> str:
        return stack_of(nodeid) or nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Suites:
    return Suites(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long suites first and those without a stack last: all processes then end at about the same time."""
    order: Sequence[str | None] = (*STACKS, None)
    items.sort(key=lambda item: order.index(stack_of(item.nodeid)))
