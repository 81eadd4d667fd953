"""The two clocks (design of time): machine time for the machinery, legal time for what the law counts.

Machine time stamps records, leases, tokens and back-off. Legal time comes from a `LegalClock`: the system's, or for the
year and the tests a scenario clock, one small file that only ever goes forward.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from shared.settings import ClockSettings

OFFICE_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SCENARIO_BYTES = 64
"""More than a moment needs."""


class ClockWentBack(RuntimeError):
    """The scenario's file holds an earlier moment than one that was already read: what the law saw cannot be unseen."""


class ClockUnreadable(RuntimeError):
    """The scenario's file is not there or holds no moment with an offset."""


class LegalClock(Protocol):
    """Says what time it is for the law."""

    def now(self) -> datetime:
        """Return the moment in the office's zone, to the second."""
        ...


def machine_now() -> datetime:
    """Machine time in UTC; never compared with a legal moment."""
    return datetime.now(UTC)


class SystemLegalClock:
    """Legal time as the machine has it."""

    def now(self) -> datetime:
        """Return the present second in the office's zone."""
        return datetime.now(OFFICE_ZONE).replace(microsecond=0)


class ScenarioClock:
    """Legal time as one file says it (RFC 3339), read at each `now()`.

    Raises ClockWentBack when the file goes back, ClockUnreadable when it holds no moment.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._latest: datetime | None = None

    def now(self) -> datetime:
        """Return the moment in the file, in the office's zone."""
        moment = self._read()
        if self._latest is not None and moment < self._latest:
            raise ClockWentBack(f"{self._path} says {moment.isoformat()} after {self._latest.isoformat()}")
        self._latest = moment
        return moment

    def _read(self) -> datetime:
        try:
            with self._path.open("rb", buffering=0) as file:
                moment = datetime.fromisoformat(file.read(SCENARIO_BYTES).decode("ascii").strip())
        except (OSError, ValueError) as error:
            raise ClockUnreadable(f"{self._path} holds no moment") from error
        if moment.tzinfo is None:
            raise ClockUnreadable(f"{self._path} holds a moment without an offset")
        return moment.astimezone(OFFICE_ZONE).replace(microsecond=0)


def legal_clock(settings: ClockSettings) -> LegalClock:
    """Return the clock that the settings name; production never gets here with a scenario."""
    return SystemLegalClock() if settings.scenario_file is None else ScenarioClock(settings.scenario_file)


def write_scenario(path: Path, moment: datetime) -> None:
    """Set the scenario clock: the file is replaced at once, so that nobody reads half a moment."""
    if moment.tzinfo is None:
        raise ValueError("a legal moment has an offset")
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(moment.astimezone(OFFICE_ZONE).isoformat(timespec="seconds") + "\n", "ascii")
    draft.replace(path)
