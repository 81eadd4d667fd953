"""The state file: what a stack runs, for `status`, for `down` and for the next start after a crash."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.faults import DeployError
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


class StateUnreadable(DeployError):
    """The state file was damaged: nobody knows what runs, so nothing is begun or ended."""


def read(folder: Folder) -> StackState | None:
    """Read the last state written; None where no stack ever ran. Raises StateUnreadable."""
    try:
        return StackState.model_validate_json(folder.state.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise StateUnreadable(
            f"{folder.state} is damaged. See with `ps` whether processes of this stack still run, end them by their"
            " ids, remove the file, and start again"
        ) from None


def write(folder: Folder, state: StackState) -> None:
    """Replace the state file as a whole."""
    write_private(folder.state, (state.model_dump_json(indent=2) + "\n").encode())
