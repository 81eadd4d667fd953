from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.rulebook.agencies import Agencies
from shared.rulebook.loader import load_seed, parse_agencies
from tests.integration.intake.counter import DISTRICT_DESK, FIRST_MORNING, Counter, counter_at
from tests.integration.together.everywhere import Everywhere, eyes_on
from tests.integration.together.rights import Filed, filed
from tests.ports import port_base

ROOT = Path(__file__).parents[3]
PORT_BASE = port_base("together")


@pytest.fixture(scope="package")
async def stack() -> AsyncIterator[Stack]:
    """All parts, as `make up` starts them."""
    ports = Ports.from_base(PORT_BASE)
    async with Stack(ROOT / "var" / "test-together", ports, scenario=FIRST_MORNING, fresh=True) as running:
        yield running


@pytest.fixture(scope="package")
async def counter(stack: Stack) -> AsyncIterator[Counter]:
    async with counter_at(stack) as opened:
        yield opened


@pytest.fixture(scope="package")
async def everywhere(stack: Stack) -> AsyncIterator[Everywhere]:
    async with eyes_on(stack) as eyes:
        yield eyes


@pytest.fixture(scope="module")
def agencies() -> Agencies:
    return parse_agencies("seed", load_seed().agencies)


@pytest.fixture(scope="module")
async def dossiers(counter: Counter, everywhere: Everywhere, agencies: Agencies) -> list[Filed]:
    """One that is a commune's alone, and one that goes from the district's desk to an agency outside the district."""
    land = await counter.filing("1.012784")
    answers = (
        await counter.hand_in(await counter.filing(), headers=counter.bearer("desk", "H56.97.44")),
        await counter.hand_in(land, headers=counter.bearer("desk", DISTRICT_DESK)),
    )
    await everywhere.rest()
    return [await filed(everywhere, agencies, answer.json()["code"]) for answer in answers]


@pytest.fixture(scope="module")
async def registration(counter: Counter, everywhere: Everywhere, agencies: Agencies) -> Filed:
    """One that waits at a commune and that nobody has accepted."""
    place = "H56.97.44"
    answer = await counter.register(await counter.filing(), counter.bearer("desk", place), place)
    await everywhere.rest()
    return Filed(answer.json()["code"], {"place": (agencies.get(place).path,), "competent": (), "steps": ()}, ())
