"""A line that is being opened when all are cut is cut with them: a fault that leaves one standing is none."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

import pytest

from tests.faults.proxy import Proxy

TURNS = range(12)
"""Of the loop: more than a line needs from its client's call until it stands."""


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be there as long as the client is."""
    with suppress(ConnectionResetError):
        await reader.read()
    writer.close()


async def ends(client: socket.socket) -> bool:
    """Wait for the end of a line; a line that stands has none."""
    try:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1), 2) == b""
    except ConnectionResetError:
        return True
    except TimeoutError:
        return False


@pytest.mark.parametrize("turns", TURNS)
async def test_no_line_outlives_a_cut_however_far_it_was_opened(turns: int) -> None:
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        proxy = Proxy(0, server.sockets[0].getsockname()[1])
        await proxy.open()
        client = socket.create_connection(("127.0.0.1", proxy.port))
        client.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        proxy.cut()
        ended = await ends(client)
        client.close()
        await proxy.close()
    assert ended
