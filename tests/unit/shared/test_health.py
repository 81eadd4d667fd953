"""What a process tells of itself beside its answers: the parts that work, and whether its event loop keeps up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from prometheus_client import REGISTRY

from shared.http import health
from shared.http.health import Health, MetricsSnapshot
from shared.loops import Loop
from tests.waiting import until


@asynccontextmanager
async def running(loop: Loop) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(loop(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_what_readyz_says_is_a_gauge_of_each_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "READY_SECONDS", 0.01)
    fault: str | None = "not reachable"

    async def database() -> str | None:
        return fault

    async def rules() -> str | None:
        return None

    def told() -> dict[str, float | None]:
        return {check: REGISTRY.get_sample_value("motcua_ready", {"check": check}) for check in ("database", "rules")}

    async def failing() -> bool:
        return told() == {"database": 0, "rules": 1}

    async def mended() -> bool:
        return told() == {"database": 1, "rules": 1}

    of_trial = Health({"database": database, "rules": rules})
    async with running(of_trial.run):
        await until(failing)
        fault = None
        await until(mended)


async def test_an_event_loop_that_was_held_up_is_seen_to_be_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "REFRESH_SECONDS", 0.01)

    def told(what: str) -> float:
        return REGISTRY.get_sample_value(f"motcua_event_loop_lag_seconds_{what}") or 0.0

    async def looked() -> bool:
        return told("count") > looks

    before, looks = told("sum"), told("count")
    async with running(MetricsSnapshot().run):
        await asyncio.sleep(0)
        time.sleep(0.3)  # noqa: ASYNC251 - holding the loop up is what is tried
        await until(looked)
    assert told("sum") - before > 0.2
