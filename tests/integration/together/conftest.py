from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx2
import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from tests.integration.intake.counter import FIRST_MORNING, Counter
from tests.integration.together.everywhere import Everywhere, eyes_on

ROOT = Path(__file__).parents[3]
PORT_BASE = int(os.environ.get("MOTCUA_TEST_PORTS_TOGETHER", "21400"))


@pytest.fixture(scope="package")
async def stack() -> AsyncIterator[Stack]:
    """All parts, as `make up` starts them."""
    ports = Ports.from_base(PORT_BASE)
    async with Stack(ROOT / "var" / "test-together", ports, scenario=FIRST_MORNING, fresh=True) as running:
        yield running


@pytest.fixture(scope="package")
async def counter(stack: Stack) -> AsyncIterator[Counter]:
    database = await asyncpg.connect(stack.dsn())
    async with httpx2.AsyncClient(base_url=stack.urls["intake"], timeout=20, trust_env=False) as http:
        yield Counter(stack, http, database)
    await database.close()


@pytest.fixture(scope="package")
async def everywhere(stack: Stack) -> AsyncIterator[Everywhere]:
    async with eyes_on(stack) as eyes:
        yield eyes
