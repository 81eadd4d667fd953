"""Everything that the law's files promise about each other, as one list of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from shared.rulebook.seed import (
    checks_of_agencies,
    checks_of_cases,
    checks_of_days,
    checks_of_moves,
    checks_of_steps,
)
from shared.rulebook.seed.records import Law
from shared.rulebook.seed.tables import Fault

CHECKS: tuple[Callable[[Law], Iterator[Fault]], ...] = (
    *checks_of_agencies.CHECKS,
    *checks_of_cases.CHECKS,
    *checks_of_steps.CHECKS,
    *checks_of_days.CHECKS,
    *checks_of_moves.CHECKS,
)
