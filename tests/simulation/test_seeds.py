"""The seeds of the gate, and the proof that they would find something."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
import uvloop

from tests.simulation.chaos import TEMPERS
from tests.simulation.planted import PLANTS, Plant
from tests.simulation.store import opened
from tests.simulation.world import Verdict, play

SEEDS = range(1, 301)
ENOUGH = range(1, 1001)
"""A planted bug is found by one of these."""

Playing = Callable[[int], Verdict]


@pytest.fixture(scope="module")
def played() -> Iterator[Playing]:
    """Play seeds on a loop that costs half as much as the tests' own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        store = opened("test-simulation")
        opening = runner.run(store.__aenter__())
        yield lambda seed: runner.run(play(opening, seed))
        runner.run(store.__aexit__(None, None, None))


@pytest.mark.timeout(1500)
def test_everything_holds_after_every_seed_and_every_fault_struck(played: Playing) -> None:
    struck: Counter[str] = Counter()
    for seed in SEEDS:
        verdict = played(seed)
        assert not verdict.faults, f'make simulate ARGS="--seed {seed} --trace": {verdict.faults}'
        struck += verdict.struck
    assert struck.keys() >= TEMPERS.keys()


def test_a_seed_always_plays_the_same_way(played: Playing) -> None:
    first = [played(seed).digest for seed in (1, 2, 3)]
    again = [played(seed).digest for seed in (3, 2, 1)]
    assert first == again[::-1]
    assert len(set(first)) == 3


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found_and_its_seed_finds_it_again(played: Playing, plant: Plant) -> None:
    found = next(filter(lambda verdict: verdict.faults, (_with(plant, played, seed) for seed in ENOUGH)))
    assert any(PLANTS[plant] in fault for fault in found.faults), found.faults
    again = _with(plant, played, found.seed)
    assert (again.digest, again.faults) == (found.digest, found.faults)
    assert not played(found.seed).faults


def _with(plant: Plant, played: Playing, seed: int) -> Verdict:
    with pytest.MonkeyPatch.context() as patch:
        plant(patch)
        return played(seed)
