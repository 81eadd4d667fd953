"""Without its broker a loop waits and is alive: to restart the process would mend nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.loops import ALIVE_SECONDS, Watched
from shared.messaging.consumer import Consumer
from shared.messaging.journal import Journal
from shared.messaging.officers import OfficerStore
from shared.messaging.relay import Relay
from shared.messaging.rules import RuleStore
from shared.settings import KafkaSettings

NOWHERE = KafkaSettings(bootstrap_servers="127.0.0.1:9")
LOOPS: dict[str, Callable[..., Watched]] = {
    "relay": lambda pool, **clock: Relay(pool, Journal("intake"), NOWHERE, **clock),
    "consumer": lambda pool, **clock: Consumer("intake", [], pool, NOWHERE, **clock),
    "rules": lambda _, **clock: RuleStore(NOWHERE, **clock),
    "officers": lambda _, **clock: OfficerStore(NOWHERE, **clock),
}


@pytest.mark.parametrize("name", LOOPS)
async def test_a_loop_without_its_broker_waits_and_turns(name: str) -> None:
    ahead, no_pool, stop = 0.0, object(), asyncio.Event()
    loop: Any = LOOPS[name](no_pool, monotonic=lambda: time.monotonic() + ahead)
    running = asyncio.create_task(loop.run(stop))

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)

    await until(lambda: "KafkaConnectionError" in loop.pulse.health().reason)
    for _ in range(2):
        ahead += ALIVE_SECONDS
        assert not loop.pulse.health().alive
        await until(lambda: loop.pulse.health().alive)
    assert not loop.pulse.health().ready
    stop.set()
    await running
