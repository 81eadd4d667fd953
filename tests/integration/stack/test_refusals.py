from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from deploy.local import state
from deploy.local.folder import NotOurs
from deploy.local.ports import Ports, PortTaken
from deploy.local.stack import Stack


async def test_a_taken_port_is_named_with_its_part_and_the_way_out(folder_stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", folder_stack.ports.kafka)), pytest.raises(PortTaken) as refused:
        await folder_stack.start()
    message = str(refused.value)
    assert f"port {folder_stack.ports.kafka} of kafka" in message
    assert "MOTCUA_PORT_KAFKA=" in message
    assert "--port-base" in message
    recorded = state.read(folder_stack.folder)
    assert recorded is not None
    assert (recorded.phase, recorded.parts) == ("failed", {})
    await folder_stack.start()
    await folder_stack.stop()


@pytest.mark.parametrize("fresh", [True, False])
async def test_a_folder_with_foreign_content_is_neither_used_nor_wiped(
    folder: Path, other_ports: Ports, fresh: bool
) -> None:
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work", "utf-8")
    with pytest.raises(NotOurs):
        await Stack(folder, other_ports, fresh=fresh).start()
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


async def test_nobody_but_the_owner_reads_data_secrets_or_logs(stack: Stack) -> None:
    top = stack.folder.path
    assert stat.S_IMODE(top.stat().st_mode) & 0o066 == 0
    open_to_others = [path for path in top.iterdir() if stat.S_IMODE(path.lstat().st_mode) & 0o077]
    assert open_to_others == []


async def test_a_fresh_start_forgets_the_data_before(folder: Path, other_ports: Ports) -> None:
    async with Stack(folder, other_ports, parts=("postgres",)) as first:
        before = first.dsn()
    async with Stack(folder, other_ports, parts=("postgres",)) as second:
        assert second.dsn() == before
    async with Stack(folder, other_ports, parts=("postgres",), fresh=True) as third:
        assert third.dsn() != before
