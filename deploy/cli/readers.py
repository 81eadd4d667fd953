"""An operator's way to act for a service beside the running one: its own role, its own handlers, the rules in force."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from deploy.cli.outcome import Exit, end
from deploy.cli.stores import installation_of
from deploy.local.folder import Folder
from services.intake.handlers import following as intake
from services.metrics.handlers import counting as metrics
from services.notification.handlers.facts import Requests
from services.processing.handlers import accepting as processing
from shared.clocks import machine_now
from shared.database import Pool, create_pool
from shared.messaging.batch import Subscription
from shared.messaging.rules import RuleStore
from shared.settings import DatabaseSettings, KafkaSettings

SUBSCRIPTIONS: Mapping[str, Callable[[RuleStore], Sequence[Subscription]]] = {
    "intake": lambda _rules: intake.SUBSCRIPTIONS,
    "processing": processing.subscriptions,
    "notification": lambda rules: Requests(rules, machine_now, asyncio.Event()).subscriptions(),
    "metrics": metrics.subscriptions,
}
"""Service → what it does with which fact, as its own process does it."""

RULES_SECONDS = 30


@dataclass(frozen=True)
class Place:
    """Where a service keeps what it knows: its schema, reached as its own role, and how it comes to Kafka."""

    service: str
    pool: Pool
    kafka: KafkaSettings

    async def subscriptions(self) -> Sequence[Subscription]:
        """List what the service does with facts, under the rules in force."""
        return SUBSCRIPTIONS[self.service](await self.rules())

    async def rules(self) -> RuleStore:
        """Read every published version of the rules; exit 3 where they cannot be read, or there is none."""
        rules = RuleStore(self.kafka)
        try:
            async with asyncio.timeout(RULES_SECONDS):
                await rules.load()
        except TimeoutError:
            end(Exit.NOT_READY, "the rules cannot be read from Kafka; see `motcua status`")
        if not rules.published():
            end(Exit.NOT_READY, "no version of the rules is published: after a restore `motcua republish` comes first")
        return rules


@asynccontextmanager
async def acting(folder: Folder, service: str) -> AsyncIterator[Place]:
    """Yield the place of one service of an installation."""
    found = installation_of(folder)
    settings = DatabaseSettings(
        host=found.host,
        port=found.port,
        name=found.database,
        user=service,
        password_file=found.password_file(service),
    )
    pool = await create_pool(settings, service, size=2)
    try:
        yield Place(service, pool, found.kafka_login(service))
    finally:
        await pool.close()
