"""The command line of an operator at a running stack, for every test that types it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack


def command(folder: Path, *words: str) -> list[str]:
    """Spell a command on the stack of a folder."""
    return [str(Path(sys.executable).with_name("motcua")), *words, "--folder", str(folder)]


async def begin(stack: Stack, *words: str) -> Process:
    """Start a command as from a terminal: whoever started the tests in the background made children deaf to Ctrl-C."""
    hearing = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    spelt = command(stack.folder.path, *words)
    return await asyncio.create_subprocess_exec(*spelt, stdout=PIPE, stderr=PIPE, preexec_fn=hearing)


async def motcua(stack: Stack, *words: str) -> tuple[int, str, str]:
    """Run a command to its end; its exit code, what it printed and what it said beside."""
    process = await begin(stack, *words)
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def succeed(stack: Stack, *words: str) -> str:
    """Run a command that must succeed; what it printed."""
    code, out, errors = await motcua(stack, *words)
    assert code == 0, f"motcua {' '.join(words)}: {errors or out}"
    return out


async def as_json(stack: Stack, *words: str) -> Any:
    """Run a command that must succeed; what it printed as JSON."""
    return json.loads(await succeed(stack, *words, "--json"))
