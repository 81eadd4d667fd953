from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from deploy.demo.play import Stage
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from tests.integration.intake.counter import FIRST_MORNING, Counter
from tests.integration.together.everywhere import Everywhere

ROOT = Path(__file__).parents[3]
SEED = 77
"""Makes the idempotency keys of what is filed here; it permutes nothing else."""


@pytest.fixture(scope="package")
async def stack() -> AsyncIterator[Stack]:
    """All parts, as `make up` starts them."""
    ports = Ports.from_base(int(os.environ.get("MOTCUA_TEST_PORTS_TOGETHER", "21400")))
    async with Stack(ROOT / "var" / "test-together", ports, scenario=FIRST_MORNING, fresh=True) as running:
        yield running


@pytest.fixture(scope="package")
async def counter(stack: Stack) -> AsyncIterator[Counter]:
    database = await asyncpg.connect(stack.dsn())
    async with httpx2.AsyncClient(base_url=stack.urls["intake"], timeout=20, trust_env=False) as http:
        yield Counter(stack, http, database)
    await database.close()


@pytest.fixture(scope="package")
async def everywhere(stack: Stack, counter: Counter) -> AsyncIterator[Everywhere]:
    async with httpx2.AsyncClient(timeout=20, trust_env=False) as http:
        with contextlib.closing(Stage(stack, SEED)) as stage:
            yield Everywhere(stack, stage, http, counter.database)
