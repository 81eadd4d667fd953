"""Each fault once, in its short form: it strikes under load, all recovers, and every invariant holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deploy.demo.quiet import NeverQuiet
from tests.faults.disks import NotBrought, Refused
from tests.faults.rows import NOT_INJECTED, ROWS, Row
from tests.faults.runner import again, play
from tests.faults.signals import DidNotStrike
from tests.faults.town import Scene, Town
from tests.tools import lacks


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.number}-{row.fault}")
async def test_a_fault_strikes_and_everything_holds(town: Town, row: Row) -> None:
    try:
        outcome = await play(town, row, full=False)
    except NotBrought as error:
        lacks(str(error))
    except Refused as error:
        pytest.skip(str(error))
    assert outcome.struck
    assert outcome.broken == [], again(row, outcome.seed, full=False)


@pytest.mark.parametrize("error", [DidNotStrike("planted"), NeverQuiet("planted"), TimeoutError("planted")])
async def test_whatever_ends_a_fault_names_its_seed(town: Town, error: Exception) -> None:
    async def breaks_off(_scene: Scene) -> str:
        raise error

    with pytest.raises(type(error)) as caught:
        await play(town, replace(ROWS[0], strike=breaks_off), full=False)
    assert any(f"--seed {town.seed}" in note for note in caught.value.__notes__)


def test_the_table_is_whole() -> None:
    numbers = [row.number for row in ROWS]
    assert numbers == sorted(set(numbers))
    assert {*numbers, *(row.number for row in NOT_INJECTED)} == set(range(1, 40))
