"""How a consumer is a member of its group, and how it takes its leave."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from shared.loops import is_being_cancelled

ANSWER_SECONDS = 10.0
"""How long the broker may take for a commit or a farewell."""


class Member(AIOKafkaConsumer):  # type: ignore[misc]
    """A member that leaves its group under a name too; aiokafka would keep its place until the session ends."""

    async def stop(self) -> None:
        """Leave, then close the connections."""
        if self._coordinator is not None:
            self._coordinator._group_instance_id = None  # noqa: SLF001 - it has no other way to leave
        await super().stop()


async def leave(client: Any) -> None:
    """Leave the group. A client that cannot say goodbye is taken apart, and the group forgets it in time.

    aiokafka has no public way to give up, and what its `stop` leaves running when it fails would go on to tell the
    group that somebody reads these partitions.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await client.stop()
    except (TimeoutError, KafkaError):
        await _take_apart(client)
    except asyncio.CancelledError:
        if is_being_cancelled():
            raise
        await _take_apart(client)


async def _take_apart(client: Any) -> None:
    coordinator, fetcher = client._coordinator, client._fetcher  # noqa: SLF001
    left = [*fetcher._pending_tasks, fetcher._fetch_task] if fetcher is not None else []  # noqa: SLF001
    if coordinator is not None:
        names = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task")
        left += [task for name in names if (task := getattr(coordinator, name)) is not None]
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=ANSWER_SECONDS)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(ANSWER_SECONDS):
            await client._client.close()  # noqa: SLF001
