from __future__ import annotations

import stat
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import jars, java, state
from deploy.local.folder import FolderInUse, cache_folder
from deploy.local.ports import Ports
from deploy.local.processes import Identity
from deploy.local.stack import Stack
from deploy.provision.topics import create_topics
from shared.messaging.connection import connection


async def test_every_part_is_up_and_healthy(stack: Stack) -> None:
    found = {part.name: part for part in await stack.status()}
    assert set(found) == {"postgres", "kafka", "sinks"}
    assert all(part.healthy and part.pid == stack.pid(part.name) for part in found.values()), found


async def test_kafka_reads_its_classes_out_of_the_cache_that_the_installation_made(stack: Stack) -> None:
    cache = java.aot_cache(jars.class_path(cache_folder()))
    assert str(cache) in Path(f"/proc/{stack.pid('kafka')}/maps").read_text("utf-8")


async def test_nobody_but_the_owner_reads_data_secrets_or_logs(stack: Stack) -> None:
    top = stack.folder.path
    assert stat.S_IMODE(top.stat().st_mode) & 0o066 == 0
    open_to_others = [path for path in top.iterdir() if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert open_to_others == []


async def test_a_second_stack_on_the_folder_is_refused_and_harms_nothing(stack: Stack, ports: Ports) -> None:
    with pytest.raises(FolderInUse, match=r"already running.*motcua down"):
        await Stack(stack.folder.path, ports, parts=("postgres",), fresh=True).start()
    assert all(part.healthy for part in await stack.status())


@pytest.mark.parametrize("name", ["postgres", "kafka", "sinks"])
async def test_a_killed_part_comes_back(stack: Stack, name: str) -> None:
    victim = await stack.kill(name)
    await stack.wait_ready(name)
    assert not victim.alive
    assert stack.pid(name) != victim.pid
    recorded = state.read(stack.folder)
    assert recorded is not None
    assert recorded.parts[name].restarts == 1
    assert all(part.healthy for part in await stack.status())


async def test_what_was_acknowledged_survives_a_kill(stack: Stack) -> None:
    database = await asyncpg.connect(stack.dsn())
    await database.execute("CREATE TABLE kept AS SELECT 1 AS value")
    await database.close()
    made = await create_topics(stack.kafka_login())
    for name in ("postgres", "kafka"):
        await stack.kill(name)
        await stack.wait_ready(name)
    database = await asyncpg.connect(stack.dsn())
    assert await database.fetchval("SELECT value FROM kept") == 1
    await database.close()
    admin = AIOKafkaAdminClient(**connection(stack.kafka_login()))
    await admin.start()
    assert made
    assert set(made) <= set(await admin.list_topics())
    await admin.close()


async def test_stopping_leaves_no_process(folder_stack: Stack) -> None:
    await folder_stack.start()
    recorded = state.read(folder_stack.folder)
    assert recorded is not None
    processes = {name: part.identity for name, part in recorded.parts.items()}
    assert all(identity.alive for identity in processes.values())
    await folder_stack.stop()
    assert not [name for name, identity in processes.items() if identity.alive]
    ended = state.read(folder_stack.folder)
    assert ended is not None
    assert (ended.phase, ended.parts) == ("stopped", {})


async def test_an_identity_is_not_taken_over_by_the_next_bearer_of_its_id(stack: Stack) -> None:
    found = Identity.of(stack.pid("kafka"))
    assert found is not None
    assert found.alive
    assert not Identity(found.pid, found.started - 1).alive
