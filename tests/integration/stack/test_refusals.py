from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from deploy.local import state
from deploy.local.folder import NotOurs
from deploy.local.kafka import KafkaFailed
from deploy.local.ports import Ports, PortTaken
from deploy.local.stack import Stack


async def test_a_taken_port_is_named_with_its_part_and_the_way_out(folder: Path, other_ports: Ports) -> None:
    stack = Stack(folder, other_ports, parts=("postgres", "sinks"))
    with socket.create_server(("127.0.0.1", other_ports.postgres)), pytest.raises(PortTaken) as refused:
        await stack.start()
    message = str(refused.value)
    assert f"port {other_ports.postgres} of postgres is taken by process {os.getpid()} (" in message
    assert "MOTCUA_PORT_POSTGRES=" in message
    assert "--port-base" in message
    recorded = state.read(stack.folder)
    assert recorded is not None
    assert (recorded.phase, recorded.parts) == ("failed", {})
    await stack.start()
    await stack.stop()


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_folder_with_foreign_content_is_neither_used_nor_wiped(
    folder: Path, other_ports: Ports, fresh: bool
) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(NotOurs):
        await Stack(folder, other_ports, fresh=fresh).start()
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


async def test_a_fresh_start_forgets_the_data_before(folder: Path, other_ports: Ports) -> None:
    async with Stack(folder, other_ports, parts=("postgres",)) as first:
        before = first.dsn()
    async with Stack(folder, other_ports, parts=("postgres",)) as second:
        assert second.dsn() == before
    async with Stack(folder, other_ports, parts=("postgres",), fresh=True) as third:
        assert third.dsn() != before


async def test_storage_of_a_release_whose_kafka_let_everybody_in_is_refused_and_left_alone(
    folder: Path, other_ports: Ports
) -> None:
    stack = Stack(folder, other_ports, parts=("kafka",))
    data = stack.folder.kafka / "data"
    data.mkdir(parents=True)
    (folder / ".motcua-stack").touch()
    (data / "meta.properties").write_text("version=1\n", "utf-8")
    with pytest.raises(KafkaFailed, match=r"let everybody in; the journals hold all of it: move it away"):
        await stack.start()
    assert [path.name for path in data.iterdir()] == ["meta.properties"]
    data.rename(data.with_name("before"))
    async with stack:
        assert all(part.healthy for part in await stack.status())
