"""A rolling restart: one replica after the other ends politely and is replaced, while the others answer.

The replica drains its requests, commits and gives its leases back (`shared/runtime.py`); the supervisor starts whatever
ends. So this works from any process, and needs nothing of the supervisor but that it lives.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from deploy.faults import DeployError
from deploy.local import state, status
from deploy.local.folder import Folder
from deploy.local.processes import Identity
from deploy.local.services import MOST_REPLICAS, replicas_of

END_SECONDS = 40.0
"""A service ends itself by force after 30 s."""
READY_SECONDS = 120.0
POLL_SECONDS = 0.1


class NotRestarted(DeployError):
    """A replica could not be replaced, or must not be ended now; the others were left as they are."""


@dataclass(frozen=True)
class Replaced:
    """One replica: the process that ended, and the one that took its place."""

    part: str
    before: Identity
    after: Identity


async def restart(folder: Folder, services: Sequence[str], told: Callable[[Replaced], None]) -> None:
    """Replace every replica of these services, one after the other. Raises NotRestarted."""
    for service in services:
        for part in await _replicas(folder, service):
            told(await _replace(folder, part))


async def _replicas(folder: Folder, service: str) -> list[str]:
    """Name the replicas of a service; each must be well, or its partner's end would leave nobody to answer."""
    found = await status.parts(folder, *replicas_of(service, MOST_REPLICAS)) if folder.locked else []
    if not found:
        raise NotRestarted(f"no {service} runs in {folder.path}; see `motcua status`")
    for part in found:
        if not part.healthy:
            raise NotRestarted(f"{part.name} is not ready ({part.reason}): no replica of {service} was ended")
    return [part.name for part in found]


async def _replace(folder: Folder, part: str) -> Replaced:
    before = _process(folder, part)
    before.send(signal.SIGTERM)
    if not await before.gone(END_SECONDS):
        raise NotRestarted(f"{part} (process {before.pid}) did not end within {END_SECONDS:.0f} s")
    try:
        async with asyncio.timeout(READY_SECONDS):
            while not await _ready_again(folder, part):  # noqa: ASYNC110 - another process tells no event of ours
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise NotRestarted(f"{part} was not ready again after {READY_SECONDS:.0f} s; see `motcua status`") from None
    return Replaced(part, before, _process(folder, part))


async def _ready_again(folder: Folder, part: str) -> bool:
    """Tell whether the part is well: until the supervisor has written down the new process, it is the dead one."""
    return all(found.healthy for found in await status.parts(folder, part))


def _process(folder: Folder, part: str) -> Identity:
    found = state.read(folder)
    if found is None or part not in found.parts:
        raise NotRestarted(f"no {part} runs in {folder.path}; see `motcua status`")
    return found.parts[part].identity
