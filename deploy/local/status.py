"""How a stack is, told from its state file and by asking each part; works from any process."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel, ConfigDict

from deploy.local import kafka, postgres, services, state
from deploy.local.folder import Folder
from deploy.local.state import ProcessState, StackState


class PartStatus(BaseModel):
    """One part: whether its process lives and its probe is content, and if not, why."""

    model_config = ConfigDict(frozen=True)

    name: str
    pid: int | None
    healthy: bool
    reason: str | None
    restarts: int
    ports: dict[str, int]


class StackStatus(BaseModel):
    """The whole stack. `running`: a supervisor lives; `healthy`: and every part is content."""

    model_config = ConfigDict(frozen=True)

    folder: str
    running: bool
    healthy: bool
    phase: str
    parts: list[PartStatus]
    secrets: str
    logs: str


_LISTENS = {"kafka": ("kafka", "kafka_controller"), "sinks": ("sms", "mail")}


def listeners(part: str) -> tuple[str, ...]:
    """Name the ports on which a part listens."""
    return _LISTENS.get(part, (part,))


async def stack(folder: Folder) -> StackStatus | None:
    """Tell the stack of a folder; None where none ever ran."""
    found = state.read(folder)
    if found is None:
        return None
    running, of_parts = folder.locked, await parts(folder)
    return StackStatus(
        folder=found.folder,
        running=running,
        healthy=running and found.phase == "running" and all(part.healthy for part in of_parts),
        phase=found.phase if running or found.phase in {"stopped", "failed"} else "died",
        parts=of_parts,
        secrets=found.secrets,
        logs=found.logs,
    )


async def parts(folder: Folder, *names: str) -> list[PartStatus]:
    """Tell these parts, or every part that the state file names, each probed now."""
    found = state.read(folder)
    if found is None:
        return []
    chosen = {name: of for name, of in found.parts.items() if not names or name in names}
    return list(await asyncio.gather(*(_part(folder, found, name, of) for name, of in chosen.items())))


async def _part(folder: Folder, found: StackState, name: str, process: ProcessState) -> PartStatus:
    alive = process.identity.alive
    reason = await _not_ready(folder, found.ports, name) if alive else "not running"
    return PartStatus(
        name=name,
        pid=process.pid if alive else None,
        healthy=reason is None,
        reason=reason,
        restarts=process.restarts,
        ports={port: found.ports[port] for port in listeners(name)},
    )


async def _not_ready(folder: Folder, ports: dict[str, int], name: str) -> str | None:
    match name:
        case "postgres":
            return await postgres.not_ready(folder, ports[name])
        case "kafka":
            return await kafka.not_ready(folder, ports[name])
        case "sinks":
            return await services.sinks_not_ready(ports["sms"], ports["mail"])
        case _:
            return await services.not_ready(ports[name])
