"""What provision asks of a broker and aiokafka has no call for: who may log in, and who may do what.

Each request is given in one version that every Kafka 4 knows (KIP-290, KIP-554).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, NoError, for_code
from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import (
    CompactArray,
    CompactBytes,
    CompactString,
    Int8,
    Int16,
    Int32,
    Schema,
    TaggedFields,
)

from deploy.faults import DeployError
from shared.messaging.connection import connection
from shared.settings import KafkaSettings

IN_FORCE_SECONDS = 30.0
_TEXT = CompactString("utf-8")
_REST = ("tags", TaggedFields)


class NotInForce(DeployError):
    """The controller took a change, and a broker does not go by it."""


class ListedLogins(Response):  # type: ignore[misc]
    """Who may log in, and how."""

    API_KEY, API_VERSION = 50, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("error_message", _TEXT),
        (
            "results",
            CompactArray(
                ("user", _TEXT),
                ("error_code", Int16),
                ("error_message", _TEXT),
                ("credentials", CompactArray(("mechanism", Int8), ("iterations", Int32), _REST)),
                _REST,
            ),
        ),
        _REST,
    )


class ListLogins(RequestStruct):  # type: ignore[misc]
    """DescribeUserScramCredentials: of these users, or of all (None)."""

    API_KEY, API_VERSION, FLEXIBLE_VERSION = 50, 0, True
    RESPONSE_TYPE = ListedLogins
    SCHEMA = Schema(("users", CompactArray(("name", _TEXT), _REST)), _REST)


class ChangedLogins(Response):  # type: ignore[misc]
    """What became of each."""

    API_KEY, API_VERSION = 51, 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("results", CompactArray(("user", _TEXT), ("error_code", Int16), ("error_message", _TEXT), _REST)),
        _REST,
    )


class ChangeLogins(RequestStruct):  # type: ignore[misc]
    """AlterUserScramCredentials: forget some, make or change others."""

    API_KEY, API_VERSION, FLEXIBLE_VERSION = 51, 0, True
    RESPONSE_TYPE = ChangedLogins
    SCHEMA = Schema(
        ("deletions", CompactArray(("name", _TEXT), ("mechanism", Int8), _REST)),
        (
            "upsertions",
            CompactArray(
                ("name", _TEXT),
                ("mechanism", Int8),
                ("iterations", Int32),
                ("salt", CompactBytes),
                ("salted_password", CompactBytes),
                _REST,
            ),
        ),
        _REST,
    )


@dataclass(frozen=True)
class _AsItIs:
    """A request that is not built anew for the version that a broker prefers."""

    struct: RequestStruct

    def prepare(self, _versions: dict[int, tuple[int, int]]) -> RequestStruct:
        return self.struct


class Broker:
    """A connection to any broker, which passes on what is the controller's."""

    def __init__(self, client: AIOKafkaClient) -> None:
        self._client = client

    async def ask(self, request: RequestStruct) -> Any:
        """Ask once; errors that stand in the answer are the caller's. Raises KafkaError."""
        return await self._client.send(self._client.get_random_node(), _AsItIs(request))


@asynccontextmanager
async def connected(kafka: KafkaSettings) -> AsyncIterator[Broker]:
    """Yield a connection. Raises KafkaError."""
    client = AIOKafkaClient(**connection(kafka), client_id="motcua-provision", request_timeout_ms=10_000)
    try:
        await client.bootstrap()
        yield Broker(client)
    finally:
        await client.close()


def refuse_errors(answers: Sequence[tuple[int, str | None]]) -> None:
    """Raise the KafkaError of the first answer that is one."""
    for code, message in answers:
        error: type[KafkaError] = for_code(code)
        if error is not NoError:
            raise error(message)


async def until_in_force(what: str, holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until the broker, too, goes by what the controller took. Raises NotInForce."""
    try:
        async with asyncio.timeout(IN_FORCE_SECONDS):
            while not await holds():  # noqa: ASYNC110 - another process tells no event of ours
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise NotInForce(f"{what} are not in force after {IN_FORCE_SECONDS:.0f} s; see the brokers' log") from None
