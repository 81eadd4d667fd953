"""An operator's way to an installation and its database: as the owner of all schemas, and only to read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from aiokafka.errors import KafkaError

from deploy.cli.outcome import Exit, end
from deploy.installation import Installation, named_by_environment
from deploy.local import state
from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.local.stack import installation
from deploy.provision.database import OWNER, SERVICES, Connection

Answer = TypeVar("Answer")


def stack_of(folder: Folder, *parts: str) -> state.StackState:
    """Read what runs in a folder, these parts at least; else exit 3."""
    found = state.read(folder)
    if found is None or not found.parts.keys() >= set(parts):
        end(Exit.NOT_READY, f"no stack in {folder.path}; start one with `motcua up`")
    return found


def installation_of(folder: Folder) -> Installation:
    """Find the installation that the environment names, else the stack of a folder; else exit 3."""
    return named_by_environment() or installation(folder, Ports(**stack_of(folder, "postgres").ports))


def secrets_of(folder: Folder) -> Path:
    """Find the secrets of the installation that the environment names, else those of a folder's stack."""
    found = named_by_environment()
    return folder.secrets if found is None else found.secrets


@asynccontextmanager
async def reading(folder: Folder, schema: str, role: str = OWNER) -> AsyncIterator[Connection]:
    """Yield a connection inside one read-only snapshot of one service's schema.

    Of the tables that row-level security locks the owner sees nothing: who has to read them comes as the service.
    """
    place = installation_of(folder).dsn(role)
    connection = await asyncpg.connect(place, server_settings={"search_path": schema}, timeout=5)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            yield connection
    finally:
        await connection.close()


def run(work: Coroutine[Any, Any, Answer]) -> Answer:
    """Run one command's work; an unreachable database or broker is exit 3."""
    try:
        return asyncio.run(work)
    except KafkaError as error:
        end(Exit.NOT_READY, f"Kafka cannot be reached ({type(error).__name__}); see `motcua status`")
    except (OSError, asyncpg.PostgresConnectionError, asyncpg.InvalidCatalogNameError) as error:
        end(Exit.NOT_READY, f"the database cannot be reached ({type(error).__name__}); see `motcua status`")


def chosen_services(service: str | None) -> tuple[str, ...]:
    """Name all services or the one given; an unknown one is exit 2."""
    if service is None:
        return SERVICES
    if service not in SERVICES:
        end(Exit.USAGE, f"unknown service {service}; there are {', '.join(SERVICES)}")
    return (service,)
