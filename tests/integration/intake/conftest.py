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
from tests.integration.intake.processing import Processing, processing_of

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="package")
async def stack() -> AsyncIterator[Stack]:
    ports = Ports.from_base(int(os.environ.get("MOTCUA_TEST_PORTS_INTAKE", "21100")))
    folder = ROOT / "var" / "test-intake"
    parts = ("postgres", "kafka", "intake")
    async with Stack(folder, ports, parts=parts, scenario=FIRST_MORNING, fresh=True) as running:
        yield running


@pytest.fixture(scope="package")
async def counter(stack: Stack) -> AsyncIterator[Counter]:
    database = await asyncpg.connect(stack.dsn())
    async with httpx2.AsyncClient(base_url=stack.urls["intake"], timeout=20, trust_env=False) as http:
        yield Counter(stack, http, database)
    await database.close()


@pytest.fixture(scope="package")
async def processing(stack: Stack, counter: Counter) -> AsyncIterator[Processing]:
    async with processing_of(stack, counter) as telling:
        yield telling
