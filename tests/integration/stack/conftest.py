from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from deploy.local.folder import Folder
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from tests.ports import port_base, spare_port

PORT_BASE = port_base("stack")
PARTS = ("postgres", "kafka", "sinks")


@pytest.fixture(scope="session")
def ports() -> Ports:
    return Ports.from_base(PORT_BASE)


@pytest.fixture(scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory, ports: Ports) -> AsyncIterator[Stack]:
    """The servers and the sinks, shared by one module."""
    running = Stack(tmp_path_factory.mktemp("stack") / "data", ports, parts=PARTS)
    async with running:
        yield running
    running.folder.remove()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for one test's stack; with it goes what root keeps elsewhere for a server."""
    path = tmp_path / "data"
    yield path
    if (path / ".motcua-stack").exists():
        Folder(path).remove()


@pytest.fixture
def other_ports() -> Ports:
    """Ports beside those of the module's stack."""
    names = ("postgres", "kafka", "kafka_controller", "sms", "mail")
    moved = {name: spare_port(PORT_BASE, number) for number, name in enumerate(names)}
    return dataclasses.replace(Ports.from_base(PORT_BASE + 4), **moved)


@pytest.fixture
def folder_stack(folder: Path, other_ports: Ports) -> Stack:
    """A stack of the test's own, not started."""
    return Stack(folder, other_ports, parts=PARTS)
