"""The year of 9,470 dossiers as `motcua demo` plays it: once, without a warm-up, and only when it is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from tests.bench.rounds import Refused, Round, Size
from tests.bench.stack import FOLDER, PORT_BASE

LONGEST_SECONDS = 3600


@contextlib.asynccontextmanager
async def begin(_size: Size) -> AsyncIterator[Round]:
    """Nothing has to be started: the command does it."""
    yield played


async def played() -> Mapping[str, float]:
    """Play it. Raises Refused unless its four witnesses agree."""
    command = [str(Path(sys.executable).with_name("motcua")), "demo", "--exit", "--json"]
    command += ["--port-base", str(PORT_BASE), "--folder", str(FOLDER.with_name("bench-year"))]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        told, _ = await asyncio.wait_for(process.communicate(), LONGEST_SECONDS)
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
    if process.returncode != 0:
        raise Refused(f"the year ended with {process.returncode}")
    return {"year_seconds": float(json.loads(told)["seconds"])}
