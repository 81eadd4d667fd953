"""The state file: what a stack runs, for `status`, for `down` and for the next start after a crash."""

from __future__ import annotations

import json
from typing import Literal

from pydantic import BaseModel, ConfigDict

from deploy.local.folder import Folder, write_private
from deploy.local.processes import Identity

Phase = Literal["starting", "running", "stopping", "stopped", "failed"]


class ProcessState(BaseModel):
    """One process: its id, its start in clock ticks since boot, how often the supervisor had to start it again."""

    model_config = ConfigDict(frozen=True)

    pid: int
    started: int
    restarts: int = 0

    @property
    def identity(self) -> Identity:
        """The process as one that cannot be mistaken for another."""
        return Identity(self.pid, self.started)


class StackState(BaseModel):
    """Everything about a stack that another process may ask."""

    model_config = ConfigDict(frozen=True)

    phase: Phase
    supervisor: ProcessState
    ports: dict[str, int]
    folder: str
    secrets: str
    logs: str
    parts: dict[str, ProcessState] = {}
    progress: str = ""
    error: str = ""


def read(folder: Folder) -> StackState | None:
    """Read the last state written; None where no stack ever ran."""
    try:
        return StackState.model_validate(json.loads(folder.state.read_text("utf-8")))
    except FileNotFoundError:
        return None


def write(folder: Folder, state: StackState) -> None:
    """Replace the state file as a whole."""
    write_private(folder.state, (state.model_dump_json(indent=2) + "\n").encode())
