"""A real process of a service that does nothing but what its test asks of it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2

from shared.tokens import new_development_keys
from tests.clients import plain_client
from tests.ports import port_base

ROOT = Path(__file__).parents[3]
PORT = port_base("shared")


@asynccontextmanager
async def process(
    how: str, folder: Path, *, port: int = PORT, **changes: str
) -> AsyncIterator[tuple[Process, httpx2.AsyncClient]]:
    (folder / "jwks").write_text(new_development_keys())
    (folder / "password").write_text("secret")
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "TRIAL": how,
        "TRIAL_GO_ON": str(folder / "go on"),
        "MOTCUA_PROFILE": "development",
        "MOTCUA_DATABASE__HOST": "127.0.0.1",
        "MOTCUA_DATABASE__PORT": str(PORT + 1),
        "MOTCUA_DATABASE__USER": "trial",
        "MOTCUA_DATABASE__PASSWORD_FILE": str(folder / "password"),
        "MOTCUA_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{PORT + 1}",
        "MOTCUA_HTTP__PORT": str(port),
        "MOTCUA_TOKENS__JWKS_FILE": str(folder / "jwks"),
    } | changes
    script = Path(__file__).with_name("trial_service.py")
    running = await asyncio.create_subprocess_exec(
        sys.executable, str(script), env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        async with plain_client(base_url=f"http://127.0.0.1:{port}") as http:
            yield running, http
    finally:
        if running.returncode is None:
            running.kill()
            await running.wait()


async def started(running: Process) -> None:
    assert running.stdout is not None
    async with asyncio.timeout(30):
        async for line in running.stdout:
            if json.loads(line)["event"] == "started":
                return
    raise AssertionError("it ended before it had started")
