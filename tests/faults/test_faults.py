"""Each fault once, in its short form: it strikes under load, all recovers, and every invariant holds."""

from __future__ import annotations

import pytest

from tests.faults.disks import Refused
from tests.faults.rows import NOT_INJECTED, ROWS, Row
from tests.faults.runner import play
from tests.faults.town import Town


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.fault}")
async def test_a_fault_strikes_and_everything_holds(town: Town, row: Row) -> None:
    try:
        outcome = await play(town, row, full=False)
    except Refused as error:
        pytest.skip(f"this machine lets nobody mount a small disk: {error}")
    assert outcome.struck
    assert outcome.broken == [], f"seed {outcome.seed}"


def test_the_table_is_whole() -> None:
    numbers = [row.number for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert {*numbers, *(row.number for row in NOT_INJECTED)} == set(range(1, 38))
