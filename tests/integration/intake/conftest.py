from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from tests.integration.intake.counter import FIRST_MORNING, Counter, counter_at
from tests.integration.intake.processing import Processing, processing_of
from tests.ports import port_base

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="package")
async def stack() -> AsyncIterator[Stack]:
    ports = Ports.from_base(port_base("intake"))
    folder = ROOT / "var" / "test-intake"
    parts = ("postgres", "kafka", "intake")
    async with Stack(folder, ports, parts=parts, scenario=FIRST_MORNING, fresh=True) as running:
        yield running


@pytest.fixture(scope="package")
async def counter(stack: Stack) -> AsyncIterator[Counter]:
    async with counter_at(stack) as opened:
        yield opened


@pytest.fixture(scope="package")
async def processing(stack: Stack, counter: Counter) -> AsyncIterator[Processing]:
    async with processing_of(stack, counter) as telling:
        yield telling
